use super::*;
use crate::saga::restore::fake_cloud::FakeCloud;

const ID: &str = "3f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a04";

fn cloud(refusal: Option<ErrorKind>, power: Option<PowerState>) -> FakeCloud {
    FakeCloud { refusal, power }
}

#[tokio::test]
async fn an_undo_starts_what_can_be_started_and_leaves_the_rest() {
    for (refusal, left_alone) in [
        (None, Some(false)),
        // It is gone; it is paused.
        (Some(ErrorKind::NotFound), Some(true)),
        (Some(ErrorKind::Conflict), Some(true)),
        // That may pass, so it is tried again.
        (Some(ErrorKind::Unavailable), None),
        (Some(ErrorKind::Forbidden), None),
    ] {
        let started = start_if_off(&cloud(refusal, None), ID).await;
        assert_eq!(started.ok().map(|why| why.is_some()), left_alone, "{refusal:?}");
    }
}

#[tokio::test]
async fn disks_are_given_back_when_nobody_has_them() {
    use ErrorKind::{Conflict, NotFound, Unavailable};
    use PowerState::{Running, ShutOff, Unknown};
    for (refusal, power, released) in [
        (None, Some(Running), true),
        (Some(NotFound), None, true),
        (Some(Conflict), None, true),
        // Shelved; suspended.
        (Some(Conflict), Some(ShutOff), true),
        (Some(Conflict), Some(Unknown), true),
        // Paused or rescued.
        (Some(Conflict), Some(Running), false),
        (Some(Unavailable), Some(ShutOff), false),
    ] {
        let cloud = cloud(refusal, power);
        let done = release_disks(&cloud, &cloud, ID).await;
        assert_eq!(done.is_ok(), released, "{refusal:?} {power:?}");
    }
}
