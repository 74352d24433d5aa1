//! A disk that somebody writes to is not backed up, and a change during a backup is noticed.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use firn_integration_tests::{
    Change, Content, Disk, Format, Ground, MIB, Machine, Service, ServiceOptions, nothing_left,
    output, reads, until,
};

/// A QEMU program that has an image open for writing, as a guest has.
struct Holder(Child);

impl Holder {
    fn of(machine: &Machine) -> Self {
        let disk = &machine.disks[0];
        let path = disk.path.display().to_string();
        let child = Command::new("qemu-io")
            .args(["-f", disk.format.name(), &path])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("qemu-io runs (`make deps` installs it)");
        let open = || reads(child.id(), &disk.path).then_some(());
        until("the image is open", Duration::from_secs(20), open);
        // Locks come right after.
        thread::sleep(Duration::from_millis(200));
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the disk is being read, which takes a slow service some seconds more.
fn wait_until_read(service: &Service, disk: &Disk) {
    let worker = service.worker();
    let open = || reads(worker, &disk.path).then_some(());
    until("the disk is open", Duration::from_secs(60), open);
    thread::sleep(Duration::from_millis(500));
}

fn machine(ground: &Ground, name: &str, format: Format) -> Machine {
    let size = 24 * MIB;
    // Content of its own: what is stored already would be backed up at once.
    let text = [Change::Write(0, size, Content::Text(name.len() as u64))];
    Machine::new(ground, name).disk(ground, "vda", format, size, &text).define()
}

#[test]
fn a_disk_that_a_guest_has_open() {
    let ground = Ground::new();
    let machines = [machine(&ground, "raw", Format::Raw), machine(&ground, "qcow2", Format::Qcow2)];
    let service = Service::start(&ground);
    let api = service.api();
    for machine in &machines {
        let holder = Holder::of(machine);
        let backup = api.backup(&machine.id, "full");
        let message = api.wait(&backup.job).failed("conflict");
        assert!(message.contains("vda") && message.contains("in use"), "{message}");
        let point = api.point(&backup.point);
        assert_eq!(point["status"], "error");
        assert!(point["status_reason"].as_str().unwrap().contains("in use"), "{point:#}");
        let instance = api.get(&format!("/v1/instances/{}", machine.id));
        let reason = &instance["instance"]["disks"][0]["reason"];
        assert!(reason.as_str().unwrap_or_default().contains("in use"), "{instance:#}");
        drop(holder);
        // Nobody holds it any more.
        let point = api.backed_up(&machine.id, "full");
        machine.check_restore(&api, point["id"].as_str().unwrap(), &machine.truth());
    }
    nothing_left(&ground, &service);
}

/// A guest that is started during a backup cannot get at its disk.
#[test]
fn a_guest_cannot_open_a_disk_that_is_being_read() {
    let ground = Ground::new();
    let machines = [machine(&ground, "raw", Format::Raw), machine(&ground, "qcow2", Format::Qcow2)];
    let service = Service::start_with(&ground, ServiceOptions::default().slow());
    let api = service.api();
    for machine in &machines {
        let backup = api.backup(&machine.id, "full");
        let disk = &machine.disks[0];
        wait_until_read(&service, disk);
        let path = disk.path.display().to_string();
        let opened = output("qemu-io", ["-f", disk.format.name(), "-c", "write 0 512", &path]);
        assert!(!opened.status.success(), "QEMU could write to {path} during its backup");
        api.wait(&backup.job).succeeded();
        machine.check_restore(&api, &backup.point, &machine.truth());
    }
    nothing_left(&ground, &service);
}

/// Somebody writes without asking for locks.
#[test]
fn a_change_during_the_backup_makes_no_point() {
    let ground = Ground::new();
    let machines = [machine(&ground, "raw", Format::Raw), machine(&ground, "qcow2", Format::Qcow2)];
    let service = Service::start_with(&ground, ServiceOptions::default().slow());
    let api = service.api();
    for machine in &machines {
        let backup = api.backup(&machine.id, "full");
        wait_until_read(&service, &machine.disks[0]);
        // Half the file in: data, with both formats.
        let file = File::options().write(true).open(&machine.disks[0].path).unwrap();
        file.write_all_at(b"written by somebody else", 12 * MIB).unwrap();
        drop(file);
        assert_eq!(api.job(&backup.job).status(), "running", "the backup was too quick");
        let message = api.wait(&backup.job).failed("conflict");
        assert!(message.contains("vda") && message.contains("chang"), "{message}");
        assert_eq!(api.point(&backup.point)["status"], "error");
        assert!(!ground.repository().join("points").join(&backup.point).exists());
    }
    nothing_left(&ground, &service);
}
