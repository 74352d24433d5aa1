use async_trait::async_trait;
use firn_core::{ErrorKind, InstanceId, JobId};
use parking_lot::Mutex;

use super::*;
use crate::saga::create_point::tests::instance;
use crate::stop::StopReason;

/// What a host answers, which a real one does not when it is told to.
struct Host {
    freeze: fn() -> Result<Freeze, CloudError>,
    thaws: Mutex<Vec<Result<bool, CloudError>>>,
    log: Mutex<Vec<&'static str>>,
}

fn silence<T>() -> Result<T, CloudError> {
    Err(CloudError::Unavailable { service: "the agent on h".to_owned(), source: None })
}

impl Host {
    fn new(
        freeze: fn() -> Result<Freeze, CloudError>,
        thaws: impl IntoIterator<Item = Result<bool, CloudError>>,
    ) -> Self {
        let thaws = Mutex::new(thaws.into_iter().collect());
        Self { freeze, thaws, log: Mutex::default() }
    }

    fn freezes(thaws: impl IntoIterator<Item = Result<bool, CloudError>>) -> Self {
        Self::new(|| Ok(Freeze::Frozen), thaws)
    }
}

#[async_trait]
impl Guests for Host {
    async fn freeze(&self, host: &str, _: InstanceId, _: JobId) -> Result<Freeze, CloudError> {
        assert_eq!(host, "h");
        self.log.lock().push("freeze");
        (self.freeze)()
    }

    async fn thaw(&self, _: &str, _: InstanceId, _: JobId) -> Result<bool, CloudError> {
        self.log.lock().push("thaw");
        self.thaws.lock().remove(0)
    }
}

/// An instance on the host `h`, with the channel of a guest agent or without.
pub(in crate::saga) fn running(agent: bool) -> InstanceDetail {
    let mut detail = instance(&[]);
    detail.host = Some("h".to_owned());
    detail.instance.power_state = PowerState::Running;
    let channel = "<channel type='unix'>\
         <target type='virtio' name='org.qemu.guest_agent.0'/></channel>";
    detail.instance.domain_xml = format!(
        "<domain type='kvm'><name>vm</name><uuid>{}</uuid><memory>1</memory><devices>{}</devices>\
         </domain>",
        detail.instance.id,
        if agent { channel } else { "" },
    );
    detail
}

async fn take(host: &Host, detail: &InstanceDetail) -> Option<Reached> {
    let guest = Guest::of(Some(host), detail, JobId::new());
    let work = async { host.log.lock().push("snapshots") };
    let power_state = detail.instance.power_state;
    while_still(power_state, guest.as_ref(), &Stop::default(), work).await.1
}

#[tokio::test]
async fn snapshots_are_taken_between_freeze_and_thaw() {
    let host = Host::freezes([Ok(true)]);
    let reached = take(&host, &running(true)).await.unwrap();
    assert_eq!(reached, Reached::plainly(Consistency::Filesystem));
    assert_eq!(*host.log.lock(), ["freeze", "snapshots", "thaw"]);
}

#[tokio::test]
async fn without_a_sure_freeze_the_grade_is_crash_and_the_owner_learns_why() {
    let refuses = || Ok(Freeze::Refused { reason: "it is asleep".to_owned() });
    let unknown = || vec![silence(), silence(), silence()];
    for (host, log, why) in [
        (
            Host::freezes([Ok(false)]),
            vec!["freeze", "snapshots", "thaw"],
            "thawed before all snapshots",
        ),
        (
            Host::freezes(unknown()),
            vec!["freeze", "snapshots", "thaw", "thaw", "thaw"],
            "the agent on h does not answer",
        ),
        (Host::new(refuses, []), vec!["freeze", "snapshots"], "it is asleep"),
        // It may have frozen: it is thawed before anything else.
        (
            Host::new(silence, [Ok(true)]),
            vec!["freeze", "thaw", "snapshots"],
            "the agent on h does not answer",
        ),
        (
            Host::new(silence, unknown()),
            vec!["freeze", "thaw", "thaw", "thaw", "snapshots"],
            "the agent on h does not answer",
        ),
    ] {
        let reached = take(&host, &running(true)).await.unwrap();
        assert_eq!(reached.consistency, Consistency::Crash, "{why}");
        let (level, text) = reached.remark.unwrap();
        assert_eq!(level, Level::Warning);
        assert!(text.contains(why) && text.contains("crash consistent only"), "{text}");
        assert_eq!(*host.log.lock(), log, "{why}");
    }
}

#[tokio::test]
async fn a_thaw_whose_answer_is_lost_is_asked_for_again() {
    let host = Host::freezes([silence(), Ok(true)]);
    let reached = take(&host, &running(true)).await.unwrap();
    assert_eq!(reached, Reached::plainly(Consistency::Filesystem));
}

#[tokio::test]
async fn nobody_is_asked_where_nobody_could_freeze() {
    let mut off = running(true);
    off.instance.power_state = PowerState::ShutOff;
    let mut unknown = running(true);
    unknown.instance.power_state = PowerState::Unknown;
    for (detail, consistency, remark) in [
        (off, Consistency::Application, None),
        (unknown, Consistency::Crash, None),
        (running(false), Consistency::Crash, Some(Level::Info)),
    ] {
        let host = Host::freezes([]);
        let reached = take(&host, &detail).await.unwrap();
        assert_eq!(reached.consistency, consistency);
        assert_eq!(reached.remark.map(|(level, _)| level), remark);
        assert_eq!(*host.log.lock(), ["snapshots"]);
    }
}

#[tokio::test]
async fn a_job_that_is_told_to_stop_thaws_at_once_and_still_waits_for_its_snapshots() {
    for reason in [StopReason::Cancelled, StopReason::Shutdown, StopReason::LeaseLost] {
        let host = Host::freezes([Ok(true)]);
        let detail = running(true);
        let guest = Guest::of(Some(&host), &detail, JobId::new());
        let stop = Stop::default();
        let work = async {
            stop.request(reason);
            while !host.log.lock().contains(&"thaw") {
                tokio::task::yield_now().await;
            }
            host.log.lock().push("snapshots");
        };
        let (_, reached) = while_still(PowerState::Running, guest.as_ref(), &stop, work).await;
        assert_eq!(reached, None);
        assert_eq!(*host.log.lock(), ["freeze", "thaw", "snapshots"]);
    }
}

#[tokio::test]
async fn snapshots_that_fail_leave_no_guest_frozen() {
    let host = Host::freezes([Ok(true)]);
    let detail = running(true);
    let guest = Guest::of(Some(&host), &detail, JobId::new());
    let work = async { Err::<(), _>(ErrorKind::Unavailable) };
    let stop = Stop::default();
    let (done, _) = while_still(PowerState::Running, guest.as_ref(), &stop, work).await;
    assert!(done.is_err());
    assert_eq!(*host.log.lock(), ["freeze", "thaw"]);
}

#[test]
fn what_can_be_hoped_for() {
    let host = Host::freezes([]);
    let (with, without) = (running(true), running(false));
    let guest = |detail| Guest::of(Some(&host), detail, JobId::new());
    let hopes = |detail, state| hoped(state, guest(detail).as_ref());
    assert_eq!(hopes(&with, PowerState::Running), Consistency::Filesystem);
    assert_eq!(hopes(&without, PowerState::Running), Consistency::Crash);
    assert_eq!(hopes(&with, PowerState::ShutOff), Consistency::Application);
    assert_eq!(hopes(&with, PowerState::Unknown), Consistency::Crash);
    // Without hosts to ask, or where it is not known which one it is.
    assert!(Guest::of(None, &with, JobId::new()).is_none());
    let nowhere = InstanceDetail { host: None, ..running(true) };
    assert!(guest(&nowhere).is_none());
}
