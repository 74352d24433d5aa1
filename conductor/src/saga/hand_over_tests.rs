//! A cloud and a storage that err between any two steps: real ones do not when they are asked to.

use std::collections::BTreeSet;

use firn_cloud::{CloudError, VolumeSnapshot};
use firn_core::JobId;
use parking_lot::Mutex;

use super::*;

const ID: &str = "7";
const NAME: &str = "snapshot-7";
const BASE: &str = "backup.1.snap.2.0";

#[derive(Default)]
struct Scene {
    /// The snapshot has been handed over so far.
    forgotten: Mutex<bool>,
    names: Mutex<BTreeSet<String>>,
    /// Of the storage, for the names of ours that it is asked to give.
    storage_errs: Mutex<Option<ErrorKind>>,
    /// Of the storage, for the cloud's name.
    rename_errs: Mutex<Option<ErrorKind>>,
    /// With which error the cloud answers a release, and whether it has done it nevertheless.
    release_errs: Mutex<Option<(ErrorKind, bool)>>,
    silent: Mutex<bool>,
}

impl Scene {
    fn new() -> Self {
        let scene = Self::default();
        scene.names.lock().insert(NAME.to_owned());
        scene
    }

    async fn run(&self) -> Result<HandedOver, Unreleased> {
        HandOver { cloud: self, storage: self, id: ID, name: NAME, base: BASE }.run().await
    }

    async fn becomes_a_base(&self) {
        let done = self.run().await;
        assert!(matches!(done, Ok(HandedOver::Base)), "{done:?}");
        assert!(*self.forgotten.lock());
        assert!(self.names.lock().iter().eq([BASE]));
    }

    /// Whether it is told to be nobody's.
    async fn fails(&self, kind: ErrorKind) -> bool {
        let unreleased = self.run().await.unwrap_err();
        assert_eq!(unreleased.error.kind, kind, "{}", unreleased.error);
        unreleased.nobodys
    }
}

fn refused(kind: ErrorKind) -> CloudError {
    CloudError::Refused { kind, source: "made to fail".into() }
}

#[async_trait]
impl Names for Scene {
    async fn rename(&self, from: &str, to: &str) -> Result<(), JobError> {
        let errs = if from == NAME { &self.rename_errs } else { &self.storage_errs };
        if let Some(kind) = *errs.lock() {
            return Err(JobError::new(kind, "made to fail"));
        }
        let mut names = self.names.lock();
        if !names.remove(from) {
            return Err(JobError::new(ErrorKind::NotFound, "there is none"));
        }
        assert!(*self.forgotten.lock(), "it was renamed while it was the cloud's");
        names.insert(to.to_owned());
        Ok(())
    }
}

#[async_trait]
impl VolumeSnapshots for Scene {
    async fn take(&self, _: JobId, _: &str) -> Result<VolumeSnapshot, CloudError> {
        Err(refused(ErrorKind::Unsupported))
    }
    async fn of_job(&self, _: JobId) -> Result<Vec<VolumeSnapshot>, CloudError> {
        Ok(Vec::new())
    }
    async fn jobs(&self) -> Result<Vec<JobId>, CloudError> {
        Ok(Vec::new())
    }
    async fn remove(&self, _: &str) -> Result<(), CloudError> {
        Err(refused(ErrorKind::Unsupported))
    }
    async fn release(&self, id: &str) -> Result<(), CloudError> {
        assert_eq!(id, ID);
        let errs = *self.release_errs.lock();
        if errs.is_none_or(|(_, done)| done) {
            *self.forgotten.lock() = true;
        }
        errs.map_or(Ok(()), |(kind, _)| Err(refused(kind)))
    }
    async fn keeps(&self, id: &str) -> Result<bool, CloudError> {
        assert_eq!(id, ID);
        if *self.silent.lock() {
            return Err(refused(ErrorKind::Unavailable));
        }
        Ok(!*self.forgotten.lock())
    }
}

#[tokio::test]
async fn a_snapshot_of_the_clouds_becomes_a_base_however_often_it_is_asked_for() {
    let scene = Scene::new();
    for _ in 0..2 {
        scene.becomes_a_base().await;
    }
}

#[tokio::test]
async fn where_renaming_is_not_allowed_it_stays_the_clouds() {
    for kind in [ErrorKind::Forbidden, ErrorKind::Unsupported] {
        let scene = Scene::new();
        *scene.storage_errs.lock() = Some(kind);
        let done = scene.run().await;
        assert!(matches!(&done, Ok(HandedOver::Refused(error)) if error.kind == kind), "{done:?}");
        assert!(!*scene.forgotten.lock() && scene.names.lock().contains(NAME));
    }
}

#[tokio::test]
async fn a_storage_that_is_away_has_nothing_given_to_it() {
    let scene = Scene::new();
    *scene.storage_errs.lock() = Some(ErrorKind::Unavailable);
    assert!(!scene.fails(ErrorKind::Unavailable).await, "the cloud knows it");
    assert!(!*scene.forgotten.lock());
    // Nobody here knows how far an earlier try came.
    *scene.silent.lock() = true;
    assert!(scene.fails(ErrorKind::Unavailable).await);
    *scene.storage_errs.lock() = None;
    scene.becomes_a_base().await;
}

#[tokio::test]
async fn what_is_half_handed_over_is_nobodys_until_it_is_a_base() {
    let scene = Scene::new();
    *scene.rename_errs.lock() = Some(ErrorKind::Unavailable);
    assert!(scene.fails(ErrorKind::Unavailable).await);
    assert!(*scene.forgotten.lock() && scene.names.lock().contains(NAME));
    // Tried again, with each new trouble.
    for kind in [ErrorKind::Unavailable, ErrorKind::Forbidden, ErrorKind::Unsupported] {
        *scene.storage_errs.lock() = Some(kind);
        for silent in [false, true] {
            *scene.silent.lock() = silent;
            assert!(scene.fails(kind).await, "{kind:?}, silent: {silent}");
        }
    }
    (*scene.storage_errs.lock(), *scene.rename_errs.lock()) = (None, None);
    scene.becomes_a_base().await;
}

#[tokio::test]
async fn a_release_that_may_have_been_done_or_be_done_later_leaves_it_nobodys() {
    use ErrorKind::{Conflict, Forbidden, Unavailable};
    for (kind, done, silent, nobodys) in [
        // The answer was lost, or the cloud has taken it on and does it when it can.
        (Unavailable, true, false, true),
        (Unavailable, false, false, true),
        // It says that it will not, and still knows it.
        (Forbidden, false, false, false),
        (Conflict, false, false, false),
        // It does not know it any more, or does not tell.
        (Conflict, true, false, true),
        (Forbidden, false, true, true),
    ] {
        let scene = Scene::new();
        *scene.release_errs.lock() = Some((kind, done));
        *scene.silent.lock() = silent;
        assert_eq!(scene.fails(kind).await, nobodys, "{kind:?} done: {done}, silent: {silent}");
        assert!(scene.names.lock().contains(NAME), "it has our name while it may be the cloud's");
        *scene.release_errs.lock() = None;
        scene.becomes_a_base().await;
    }
}
