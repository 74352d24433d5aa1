use std::collections::HashMap;
use std::time::{Duration, Instant};

use firn_core::{InstanceId, PowerState};
use parking_lot::Mutex;

use super::{DomainList, DomainSource, SourceError, SourceProblem};
use crate::Domain;

/// How long a libvirt that is not there is not asked again, nor one that hangs about what it hung
/// over: one guest with a dead storage must not take the others' answers.
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
    pauses: Mutex<Pauses>,
}

/// Why the live source is not asked at present.
#[derive(Default)]
struct Pauses {
    /// There is none.
    absent_until: Option<Instant>,
    /// It hung over a question about this domain, or (`None`) about all.
    hanging: HashMap<Option<InstanceId>, Hanging>,
}

struct Hanging {
    until: Instant,
    command: String,
    deadline: Duration,
}

impl Pauses {
    /// The answer that is known without asking.
    fn answer<T>(&self, about: Option<InstanceId>) -> Option<Result<Option<T>, SourceError>> {
        let now = Instant::now();
        if self.absent_until.is_some_and(|until| now < until) {
            return Some(Ok(None));
        }
        let mut hanging = [None, about].into_iter().filter_map(|about| self.hanging.get(&about));
        let Hanging { command, deadline, .. } = hanging.find(|hanging| now < hanging.until)?;
        Some(Err(SourceError::TimedOut { command: command.clone(), deadline: *deadline }))
    }

    /// Learns from an answer about a domain, or about all.
    fn learn<T>(&mut self, about: Option<InstanceId>, answer: &Result<T, SourceError>) {
        let now = Instant::now();
        self.absent_until = None;
        self.hanging.retain(|_, hanging| now < hanging.until);
        match answer {
            Err(SourceError::Absent { reason }) => {
                tracing::debug!(reason, "no libvirt to ask: the domain files count");
                self.absent_until = Some(now + PAUSE);
            }
            Err(SourceError::TimedOut { command, deadline }) => {
                tracing::warn!(command, "libvirt hangs");
                let (command, deadline) = (command.clone(), *deadline);
                self.hanging.insert(about, Hanging { until: now + PAUSE, command, deadline });
            }
            _ => {}
        }
    }
}

impl CombinedSource {
    /// A base source with a live one on top.
    pub fn new(base: impl DomainSource + 'static, live: impl DomainSource + 'static) -> Self {
        Self { base: Box::new(base), live: Box::new(live), pauses: Mutex::default() }
    }

    /// Asks the live source about a domain, or about all; `None` when it is not there or does not
    /// know the domain.
    fn live<T>(
        &self,
        about: Option<InstanceId>,
        question: impl FnOnce(&dyn DomainSource) -> Result<T, SourceError>,
    ) -> Result<Option<T>, SourceError> {
        if let Some(answer) = self.pauses.lock().answer(about) {
            return answer;
        }
        let answer = question(self.live.as_ref());
        self.pauses.lock().learn(about, &answer);
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(SourceError::NotFound { .. } | SourceError::Absent { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

impl DomainSource for CombinedSource {
    fn list(&self) -> Result<DomainList, SourceError> {
        let mut list = self.base.list()?;
        match self.live(None, |live| live.list()) {
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
        Ok(self.live(Some(id), |live| live.power_state(id))?.unwrap_or(base))
    }

    fn domain(&self, id: InstanceId) -> Result<Domain, SourceError> {
        let base = self.base.domain(id)?;
        Ok(self.live(Some(id), |live| live.domain(id))?.unwrap_or(base))
    }
}
