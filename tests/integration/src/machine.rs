use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::{Api, Content, Fingerprint, Ground, MIB, run};

/// A virtual machine that is shut off: domain XML and disk images.
pub struct Machine {
    /// Its libvirt UUID, which is the instance's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its disks.
    pub disks: Vec<Disk>,
    /// Id of the project that owns it, where there is a cloud.
    project: Option<String>,
    xml: PathBuf,
    restores: PathBuf,
}

/// What the disks of a machine held at one moment.
pub type Truth = BTreeMap<String, Fingerprint>;

/// Format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Raw, sparse.
    Raw,
    /// qcow2.
    Qcow2,
}

impl Format {
    /// As `qemu-img` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        }
    }
}

/// One disk image.
#[derive(Clone, Debug)]
pub struct Disk {
    /// Target device.
    pub device: String,
    /// The image.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
    /// Backing files, nearest first.
    pub backing: Vec<PathBuf>,
}

/// A change of a disk's content.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Content written from an offset on.
    Write(u64, u64, Content),
    /// Offset and length that are zero afterwards and take no space.
    Zero(u64, u64),
}

impl Machine {
    /// A machine without disks yet; [`Self::define`] makes it known to the service.
    pub fn new(ground: &Ground, name: &str) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            name: name.to_owned(),
            disks: Vec::new(),
            project: None,
            xml: ground.domains().join(format!("{name}.xml")),
            restores: ground.restores(),
        }
    }

    /// Makes it a server of a project, as Nova would.
    pub fn owned_by(mut self, project: &str) -> Self {
        self.project = Some(project.to_owned());
        self
    }

    /// Adds a disk of `size_bytes` with content.
    pub fn disk(
        mut self,
        ground: &Ground,
        device: &str,
        format: Format,
        size_bytes: u64,
        content: &[Change],
    ) -> Self {
        let path = ground.disks().join(format!("{}-{device}.{}", self.name, format.name()));
        self.disks.push(Disk::create(device, &path, format, size_bytes, content));
        self
    }

    /// Adds a qcow2 disk on top of `base`, with further content.
    pub fn overlay(
        mut self,
        ground: &Ground,
        device: &str,
        base: &Disk,
        content: &[Change],
    ) -> Self {
        let path = ground.disks().join(format!("{}-{device}.qcow2", self.name));
        let disk = base.overlay(device, &path);
        disk.change(content);
        self.disks.push(disk);
        self
    }

    /// Writes the domain XML.
    pub fn define(self) -> Self {
        fs::write(&self.xml, self.domain_xml("")).unwrap();
        self
    }

    /// Domain XML with more devices.
    pub fn domain_xml(&self, devices: &str) -> String {
        let disks: String = self.disks.iter().map(Disk::xml).collect();
        let metadata: String = self.project.iter().map(|id| nova(&self.name, id)).collect();
        format!(
            "<domain type='kvm'>\n  <name>{}</name>\n  <uuid>{}</uuid>\n  {metadata}\
             <memory unit='MiB'>512</memory>\n  <vcpu>1</vcpu>\n  \
             <os><type arch='x86_64' machine='q35'>hvm</type></os>\n  \
             <devices>\n{disks}{devices}  </devices>\n</domain>\n",
            self.name, self.id
        )
    }

    /// A disk by its device.
    pub fn device(&self, device: &str) -> &Disk {
        self.disks.iter().find(|disk| disk.device == device).unwrap()
    }

    /// What the disks hold now.
    pub fn truth(&self) -> Truth {
        self.disks.iter().map(|disk| (disk.device.clone(), disk.fingerprint())).collect()
    }

    /// What a restored folder holds.
    pub fn restored(&self, name: &str) -> Truth {
        let folder = self.restores.join(name);
        let entries = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .flatten();
        let print = |path: PathBuf| {
            assert_eq!(path.extension().and_then(|text| text.to_str()), Some("raw"), "{path:?}");
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), Fingerprint::of(&path))
        };
        entries.map(|entry| print(entry.path())).collect()
    }

    /// Restores a point and compares every byte; the restored folder is removed again.
    #[track_caller]
    pub fn check_restore(&self, api: &Api, point: &str, truth: &Truth) {
        let name = format!("check-{}", uuid::Uuid::new_v4());
        let job = api.restore(point, &name);
        api.wait(&job).succeeded();
        self.compare(&name, truth);
        fs::remove_dir_all(self.restores.join(&name)).unwrap();
    }

    /// Compares a restored folder with what it must hold.
    #[track_caller]
    pub fn compare(&self, name: &str, truth: &Truth) {
        let restored = self.restored(name);
        let (devices, expected): (Vec<_>, Vec<_>) =
            (restored.keys().collect(), truth.keys().collect());
        assert_eq!(devices, expected, "restore {name} has other disks");
        for (device, expected) in truth {
            if let Some(difference) = expected.difference(&restored[device]) {
                panic!("restore {name}, disk {device}: {difference}");
            }
        }
    }
}

fn nova(name: &str, project: &str) -> String {
    format!(
        "<metadata><nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>\
         <nova:name>{name}</nova:name><nova:owner><nova:user uuid='{project}'>owner</nova:user>\
         <nova:project uuid='{project}'>owner</nova:project></nova:owner></nova:instance>\
         </metadata>\n  "
    )
}

impl Disk {
    /// A new image.
    pub fn create(
        device: &str,
        path: &Path,
        format: Format,
        size_bytes: u64,
        content: &[Change],
    ) -> Self {
        let raw = path.with_extension("content");
        File::create(&raw).unwrap().set_len(size_bytes).unwrap();
        write_raw(&raw, content);
        match format {
            Format::Raw => fs::rename(&raw, path).unwrap(),
            Format::Qcow2 => {
                let convert = ["convert", "-f", "raw", "-O", "qcow2", "-W", "-m", "8"];
                run("qemu-img", convert.iter().map(Path::new).chain([raw.as_path(), path]));
                fs::remove_file(&raw).unwrap();
            }
        }
        let (device, path) = (device.to_owned(), path.to_owned());
        Self { device, path, format, backing: Vec::new() }
    }

    /// A new qcow2 image on top of this one.
    pub fn overlay(&self, device: &str, path: &Path) -> Self {
        let (base, top) = (self.path.display().to_string(), path.display().to_string());
        run(
            "qemu-img",
            ["create", "-q", "-f", "qcow2", "-F", self.format.name(), "-b", &base, &top],
        );
        let backing = [vec![self.path.clone()], self.backing.clone()].concat();
        let (device, path) = (device.to_owned(), path.to_owned());
        Self { device, path, format: Format::Qcow2, backing }
    }

    /// Changes the content, as a guest would.
    pub fn change(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let mut patterns = Vec::new();
        let mut arguments = vec!["-f".to_owned(), self.format.name().to_owned()];
        for change in changes {
            let command = match *change {
                Change::Write(offset, length, content) => {
                    let mut file = tempfile::NamedTempFile::new().unwrap();
                    file.write_all(&content.bytes(length as usize)).unwrap();
                    let command =
                        format!("write -q -s {} {offset} {length}", file.path().display());
                    patterns.push(file);
                    command
                }
                Change::Zero(offset, length) => format!("write -q -z -u {offset} {length}"),
            };
            arguments.extend(["-c".to_owned(), command]);
        }
        arguments.push(self.path.display().to_string());
        let said = run("qemu-io", &arguments);
        assert!(said.trim().is_empty(), "qemu-io: {said}");
    }

    /// Hashes of what a guest would read.
    pub fn fingerprint(&self) -> Fingerprint {
        match self.format {
            Format::Raw => Fingerprint::of(&self.path),
            Format::Qcow2 => {
                let raw = self.path.with_extension("flat");
                let arguments = ["convert", "-f", "qcow2", "-O", "raw"].map(Path::new);
                run("qemu-img", arguments.into_iter().chain([self.path.as_path(), &raw]));
                let print = Fingerprint::of(&raw);
                fs::remove_file(raw).unwrap();
                print
            }
        }
    }

    fn xml(&self) -> String {
        let (device, name) = (&self.device, self.format.name());
        let mut chain = String::from("<backingStore/>");
        for (position, path) in self.backing.iter().enumerate().rev() {
            let format = match path.extension().and_then(|text| text.to_str()) {
                Some("qcow2") => "qcow2",
                _ => "raw",
            };
            chain = format!(
                "<backingStore type='file' index='{}'><format type='{format}'/>\
                 <source file='{}'/>{chain}</backingStore>",
                position + 2,
                path.display()
            );
        }
        format!(
            "    <disk type='file' device='disk'><driver name='qemu' type='{name}'/>\
             <source file='{}'/>{chain}<target dev='{device}' bus='virtio'/></disk>\n",
            self.path.display()
        )
    }
}

/// Some content all over a disk: random and text-like runs, with holes between them.
impl Change {
    /// Runs that together fill about three quarters of `size_bytes`.
    pub fn mixed(size_bytes: u64, seed: u64) -> Vec<Self> {
        let step = 4 * MIB;
        let run = |at: u64| {
            let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(at);
            // Runs that begin and end anywhere.
            let offset = at * step + (seed >> 7) % 1000 * 512;
            let length =
                (2 * MIB + (seed >> 17) % 4000 * 512).min(size_bytes - offset.min(size_bytes));
            match at % 3 {
                0 => Self::Write(offset, length, Content::Text(seed)),
                _ => Self::Write(offset, length, Content::Random(seed)),
            }
        };
        (0..size_bytes / step).map(run).collect()
    }
}

fn write_raw(path: &Path, changes: &[Change]) {
    let mut file = File::options().write(true).open(path).unwrap();
    for change in changes {
        match *change {
            Change::Write(offset, length, content) => {
                file.seek(SeekFrom::Start(offset)).unwrap();
                file.write_all(&content.bytes(length as usize)).unwrap();
            }
            Change::Zero(..) => panic!("a new image is zero already"),
        }
    }
}
