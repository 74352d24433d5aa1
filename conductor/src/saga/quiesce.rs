//! File systems of a running guest stand still while its disks' snapshots are taken.

use std::time::Duration;

use firn_agent::Domain;
use firn_cloud::{CloudError, Freeze, Guests, InstanceDetail};
use firn_core::{Consistency, JobId, PowerState, chain};

use crate::stop::Stop;
use crate::worker::protocol::Level;

/// How often a thaw is asked for. Its host thaws the guest anyhow; but it is better told at once.
const THAWS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The grade that snapshots reached, and what their owner should know of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) consistency: Consistency,
    pub(super) remark: Option<(Level, String)>,
}

impl Reached {
    fn plainly(consistency: Consistency) -> Self {
        Self { consistency, remark: None }
    }

    fn crash(level: Level, why: &str) -> Self {
        let text = format!("the restore point is crash consistent only: {why}");
        Self { consistency: Consistency::Crash, remark: Some((level, text)) }
    }
}

/// A guest that can be asked to freeze.
pub(super) struct Guest<'a> {
    guests: &'a dyn Guests,
    host: &'a str,
    instance: &'a InstanceDetail,
    job: JobId,
}

impl<'a> Guest<'a> {
    /// The guest of an instance; `None` where there is nobody to ask, on its host or in itself.
    pub(super) fn of(
        guests: Option<&'a dyn Guests>,
        instance: &'a InstanceDetail,
        job: JobId,
    ) -> Option<Self> {
        let (guests, host) = guests.zip(instance.host.as_deref())?;
        let domain = Domain::parse(instance.instance.domain_xml.as_bytes()).ok()?;
        domain.guest_agent.then_some(Self { guests, host, instance, job })
    }

    /// Awaits `work`, with the guest frozen if it lets itself be frozen. `None` where the job was told
    /// to stop meanwhile: then the guest was thawed before the end of the work.
    async fn frozen_while<T>(
        &self,
        stop: &Stop,
        work: impl Future<Output = T>,
    ) -> (T, Option<Reached>) {
        let refused = match self.guests.freeze(self.host, self.instance.instance.id, self.job).await
        {
            Ok(Freeze::Frozen) => None,
            Ok(Freeze::Refused { reason }) => Some(reason),
            Err(error) => {
                // Its answer may have been lost.
                self.thaw_or_warn().await;
                Some(chain(&error))
            }
        };
        if let Some(why) = refused {
            return (work.await, Some(Reached::crash(Level::Warning, &why)));
        }
        tokio::pin!(work);
        let done = tokio::select! {
            done = &mut work => Some(done),
            _ = stop.requested() => None,
        };
        let thawed = self.thaw().await;
        let Some(done) = done else { return (work.await, None) };
        let reached = match thawed {
            Ok(true) => Reached::plainly(Consistency::Filesystem),
            Ok(false) => Reached::crash(
                Level::Warning,
                "its file systems were thawed before all snapshots were there",
            ),
            Err(error) => {
                let why =
                    format!("whether its file systems stood still is unknown: {}", chain(&error));
                Reached::crash(Level::Warning, &why)
            }
        };
        (done, Some(reached))
    }

    async fn thaw(&self) -> Result<bool, CloudError> {
        let mut tries = 1;
        loop {
            match self.guests.thaw(self.host, self.instance.instance.id, self.job).await {
                Err(_) if tries < THAWS => tokio::time::sleep(PAUSE).await,
                answer => return answer,
            }
            tries += 1;
        }
    }

    /// Thaws what may be frozen for the job. Where its host does not answer, that thaws it by itself.
    pub(super) async fn thaw_or_warn(&self) {
        if let Err(error) = self.thaw().await {
            let error = chain(&error);
            tracing::warn!(job_id = %self.job, error, "the thaw is left to the guest's host");
        }
    }
}

/// The best grade that can be hoped for.
pub(super) fn hoped(power_state: PowerState, guest: Option<&Guest<'_>>) -> Consistency {
    match (power_state, guest) {
        (PowerState::ShutOff, _) => Consistency::Application,
        (PowerState::Running, Some(_)) => Consistency::Filesystem,
        (PowerState::Running | PowerState::Unknown, _) => Consistency::Crash,
    }
}

/// Awaits the taking of snapshots and says which grade they have; see [`Guest::frozen_while`].
pub(super) async fn while_still<T>(
    power_state: PowerState,
    guest: Option<&Guest<'_>>,
    stop: &Stop,
    work: impl Future<Output = T>,
) -> (T, Option<Reached>) {
    let reached = match (power_state, guest) {
        (PowerState::Running, Some(guest)) => return guest.frozen_while(stop, work).await,
        (PowerState::Running, None) => {
            Reached::crash(Level::Info, "the instance runs and has no guest agent to freeze it")
        }
        (PowerState::ShutOff | PowerState::Unknown, _) => {
            Reached::plainly(hoped(power_state, guest))
        }
    };
    (work.await, Some(reached))
}

#[cfg(test)]
#[path = "quiesce_tests.rs"]
pub(super) mod tests;
