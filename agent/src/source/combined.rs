use std::time::{Duration, Instant};

use firn_core::{InstanceId, PowerState};
use parking_lot::Mutex;

use super::{DomainList, DomainSource, SourceError, SourceProblem};
use crate::Domain;

/// How long a libvirt that is not there, or hangs, is not asked again.
const PAUSE: Duration = Duration::from_secs(10);

/// A base source that says which domains there are, with what a live source knows of them.
///
/// The base (a folder) is the operator's list of what may be backed up, so a domain that only
/// libvirt knows is not shown. Where libvirt knows a listed domain, its XML is the truth: disks
/// may have moved since the file was written. Where it cannot be talked to, the file counts.
/// Where it hangs, the question fails: a backup by an outdated file could read the wrong disks.
pub struct CombinedSource {
    base: Box<dyn DomainSource>,
    live: Box<dyn DomainSource>,
    pause: Mutex<Pause>,
}

/// Why the live source is not asked at present.
#[derive(Default)]
enum Pause {
    #[default]
    No,
    Absent {
        until: Instant,
    },
    Hanging {
        until: Instant,
        command: String,
        deadline: Duration,
    },
}

impl CombinedSource {
    /// A base source with a live one on top.
    pub fn new(base: impl DomainSource + 'static, live: impl DomainSource + 'static) -> Self {
        Self { base: Box::new(base), live: Box::new(live), pause: Mutex::default() }
    }

    /// Asks the live source; `None` when it is not there or does not know the domain.
    fn live<T>(
        &self,
        question: impl FnOnce(&dyn DomainSource) -> Result<T, SourceError>,
    ) -> Result<Option<T>, SourceError> {
        match &*self.pause.lock() {
            Pause::Absent { until } if Instant::now() < *until => return Ok(None),
            Pause::Hanging { until, command, deadline } if Instant::now() < *until => {
                let (command, deadline) = (command.clone(), *deadline);
                return Err(SourceError::TimedOut { command, deadline });
            }
            _ => {}
        }
        let answer = question(self.live.as_ref());
        let until = Instant::now() + PAUSE;
        let (pause, answer) = match answer {
            Ok(answer) => (Pause::No, Ok(Some(answer))),
            Err(SourceError::NotFound { .. }) => (Pause::No, Ok(None)),
            Err(SourceError::Absent { reason }) => {
                tracing::debug!(reason, "no libvirt to ask: the domain files count");
                (Pause::Absent { until }, Ok(None))
            }
            Err(SourceError::TimedOut { command, deadline }) => {
                tracing::warn!(command, "libvirt hangs");
                let pause = Pause::Hanging { until, command: command.clone(), deadline };
                (pause, Err(SourceError::TimedOut { command, deadline }))
            }
            Err(other) => (Pause::No, Err(other)),
        };
        *self.pause.lock() = pause;
        answer
    }
}

impl DomainSource for CombinedSource {
    fn list(&self) -> Result<DomainList, SourceError> {
        let mut list = self.base.list()?;
        match self.live(|live| live.list()) {
            Ok(Some(live)) => {
                for domain in &mut list.domains {
                    if let Some(known) = live.domains.iter().find(|known| known.id == domain.id) {
                        domain.power_state = known.power_state;
                    }
                }
            }
            Ok(None) => {}
            Err(error) => list
                .problems
                .push(SourceProblem { origin: "libvirt".to_owned(), reason: error.to_string() }),
        }
        Ok(list)
    }

    fn domain_xml(&self, id: InstanceId) -> Result<String, SourceError> {
        self.domain(id).map(|domain| domain.xml)
    }

    fn power_state(&self, id: InstanceId) -> Result<PowerState, SourceError> {
        let base = self.base.power_state(id)?;
        Ok(self.live(|live| live.power_state(id))?.unwrap_or(base))
    }

    fn domain(&self, id: InstanceId) -> Result<Domain, SourceError> {
        let base = self.base.domain(id)?;
        Ok(self.live(|live| live.domain(id))?.unwrap_or(base))
    }
}
