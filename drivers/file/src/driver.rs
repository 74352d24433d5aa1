use std::path::{Path, PathBuf};

use firn_driver_sdk::{
    Access, BackingFile, Capabilities, Config, Descriptor, Disk, DiskLocation, Driver, DriverError,
    DriverFactory, ErrorKind, Host, ImageFormat, Location, OpenRequest, Probe,
};

use crate::chain::{Chain, Hold, Part};
use crate::config::Settings;
use crate::gate::Opened;
use crate::policy::Policy;
use crate::qcow2_disk::Qcow2Disk;
use crate::raw_disk::RawDisk;
use crate::{changes, gate, mount, nbd};

/// Reads raw files, raw block devices and qcow2 files of this machine; writes raw files.
#[derive(Debug)]
pub struct FileDriver {
    settings: Settings,
}

/// A location that this driver may read, taken apart.
struct Place {
    path: PathBuf,
    format: ImageFormat,
    backing: Vec<BackingFile>,
}

impl Place {
    fn of(location: &DiskLocation) -> Option<Self> {
        let (path, format, backing) = match location {
            DiskLocation::File { path, format, backing } => (path, format, backing.clone()),
            DiskLocation::Block { path, format: format @ ImageFormat::Raw } => {
                (path, format, Vec::new())
            }
            _ => return None,
        };
        Some(Self { path: path.clone(), format: *format, backing })
    }

    fn unreadable(&self) -> DriverError {
        let message = format!("{}: only raw and qcow2 disks are read", self.path.display());
        DriverError::new(ErrorKind::Unsupported, message)
    }
}

impl DriverFactory for FileDriver {
    const NAME: &'static str = "file";
    const VENDOR: &'static str = "Firn";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn create(config: &Config, _host: Host) -> Result<Self, DriverError> {
        let settings = Settings::read(config)?;
        nbd::sweep(&settings.runtime_dir);
        Ok(Self { settings })
    }
}

impl FileDriver {
    fn policy(&self) -> Policy<'_> {
        Policy::new(&self.settings.allowed_paths)
    }

    fn open_raw(&self, path: &Path, write: bool) -> Result<Part, DriverError> {
        let opened = gate::open(path, write, |real| self.policy().disk(real))?;
        if write && opened.block {
            return Err(DriverError::unsupported("writing to block devices"));
        }
        Part::new(opened, if write { Hold::Write } else { Hold::Read })
    }

    fn probe_raw(&self, place: &Place) -> Result<Probe, DriverError> {
        let opened = gate::open(&place.path, false, |real| self.policy().disk(real))?;
        let size_bytes = opened.size_bytes()?;
        let part = Part::new(opened, Hold::Look)?;
        let path = part.opened.path.clone();
        let location = if part.opened.block {
            DiskLocation::Block { path, format: ImageFormat::Raw }
        } else {
            DiskLocation::File { path, format: ImageFormat::Raw, backing: Vec::new() }
        };
        Ok(Probe {
            storage: storage(&part.opened),
            location: Location::from_typed(&location)?,
            size_bytes,
            changed_blocks: false,
            in_use: part.in_use()?,
        })
    }

    fn probe_qcow2(&self, place: &Place) -> Result<Probe, DriverError> {
        let chain = Chain::open(&place.path, &place.backing, &self.policy(), Hold::Look)?;
        let header = chain.header()?;
        let mut in_use = false;
        for part in chain.parts() {
            in_use |= part.in_use()?;
        }
        // While a VM writes, the bitmaps on disk are marked as in use.
        let changed_blocks = !in_use && changes::tracked(&chain)?;
        let top = &chain.top()?.part.opened;
        let location = DiskLocation::File {
            path: top.path.clone(),
            format: ImageFormat::Qcow2,
            backing: chain.backing(),
        };
        Ok(Probe {
            storage: storage(top),
            location: Location::from_typed(&location)?,
            size_bytes: header.size_bytes,
            changed_blocks,
            in_use,
        })
    }
}

impl Driver for FileDriver {
    fn descriptor(&self) -> Descriptor {
        Self::static_descriptor()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { changed_blocks: true, write: true, create: true, ..Capabilities::default() }
    }

    fn probe(&self, location: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        let Some(place) = Place::of(location) else { return Ok(None) };
        match place.format {
            ImageFormat::Raw => self.probe_raw(&place).map(Some),
            ImageFormat::Qcow2 => self.probe_qcow2(&place).map(Some),
            ImageFormat::Other => Err(place.unreadable()),
        }
    }

    fn open(&self, request: &OpenRequest) -> Result<Box<dyn Disk>, DriverError> {
        let location: DiskLocation = request.location.parse()?;
        let place = Place::of(&location).ok_or_else(|| {
            DriverError::invalid_input("this location was not made by the file driver")
        })?;
        if request.snapshot.is_some() {
            return Err(DriverError::unsupported("snapshots of files"));
        }
        let path = &place.path;
        match (place.format, request.access) {
            (ImageFormat::Raw, Access::ReadOnly) => {
                Ok(Box::new(RawDisk::new(self.open_raw(path, false)?, false)?))
            }
            (ImageFormat::Raw, Access::Writable) => {
                Ok(Box::new(RawDisk::new(self.open_raw(path, true)?, true)?))
            }
            (ImageFormat::Raw, Access::Create { size_bytes }) => {
                let made = gate::create(path, size_bytes, |real| self.policy().disk(real))?;
                Ok(Box::new(RawDisk::new(Part::new(made, Hold::Write)?, true)?))
            }
            (ImageFormat::Qcow2, Access::ReadOnly) => {
                let chain = Chain::open(path, &place.backing, &self.policy(), Hold::Read)?;
                Ok(Box::new(Qcow2Disk::new(&self.settings, chain)?))
            }
            (ImageFormat::Qcow2, _) => Err(DriverError::unsupported("writing to qcow2 disks")),
            (ImageFormat::Other, _) => Err(place.unreadable()),
        }
    }
}

/// The file system or the device itself: what a limit of parallel readers is about.
fn storage(opened: &Opened) -> String {
    if opened.block {
        return format!("file:{}", opened.path.display());
    }
    format!("file:{}", mount::source_of(&opened.path))
}
