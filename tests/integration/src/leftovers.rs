use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::processes::{open_files, using};
use crate::{Ground, Service, children, within};

/// The service has this long to tidy up after a job's end.
const LIMIT: Duration = Duration::from_secs(15);

/// Fails the test where something is left of jobs that have ended: unfinished jobs, processes,
/// open disks, sockets, partial restores, sessions, temporary files.
#[track_caller]
pub fn nothing_left(ground: &Ground, service: &Service) {
    let mut last = Vec::new();
    let clean = within(LIMIT, || {
        last = leftovers(ground, service);
        last.is_empty().then_some(())
    });
    assert!(clean.is_some(), "left behind after {LIMIT:?}: {last:#?}");
}

fn leftovers(ground: &Ground, service: &Service) -> Vec<String> {
    let mut found = Vec::new();
    for job in service.api().list("/v1/jobs?finished=false", "jobs") {
        found.push(format!("unfinished job {job}"));
    }
    for (pid, arguments) in children(service.pid()) {
        found.push(format!("child process {pid} {arguments:?}"));
    }
    found.extend(using(ground.path(), &[service.pid()]));
    let disks = ground.disks().display().to_string();
    found.extend(open_files(service.pid(), &disks).into_iter().map(|name| format!("open: {name}")));

    let (state, repository) = (ground.state(), ground.repository());
    for folder in [
        repository.join("sessions"),
        repository.join("tmp"),
        state.join("run"),
        ground.path().join("tmp"),
    ] {
        found.extend(names(&folder).into_iter().map(|name| format!("{}/{name}", folder.display())));
    }
    let hidden = names(&ground.restores()).into_iter().filter(|name| name.starts_with('.'));
    found.extend(hidden.map(|name| format!("partial restore {name}")));
    for (path, _) in crate::ground::tree(&state, &|path| path == ground.restores()) {
        if path.extension().is_some_and(|extension| extension == "tmp" || extension == "partial") {
            found.push(format!("temporary file {}", path.display()));
        }
    }
    found
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
