use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use firn_core::{JobId, JobState, RepositoryId};

/// A job that waited so long for its places while younger ones ran gets the next that are free.
pub(super) const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// How many jobs may run at once, over all conductors, that use the same thing; `None`: any
/// number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobLimits {
    /// That read from disks of the same storage.
    pub per_storage: Option<u32>,
    /// That back up instances of the same hypervisor.
    pub per_hypervisor: Option<u32>,
    /// That use the same repository.
    pub per_repository: Option<u32>,
}

impl JobLimits {
    /// Whether there is any.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// Whether it matters where an instance and its disks are.
    pub fn need_places(&self) -> bool {
        self.per_storage.is_some() || self.per_hypervisor.is_some()
    }
}

/// Where the data of a job's instance is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobPlaces {
    /// Name of the host that the instance is on, where there is one.
    pub hypervisor: Option<String>,
    /// What its disks lie on, as their drivers name it.
    pub storages: BTreeSet<String>,
}

/// What one job takes a share of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Storage(String),
    Hypervisor(String),
    Repository(RepositoryId),
}

/// A job as far as limits are concerned.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) id: JobId,
    pub(super) state: JobState,
    pub(super) repository: Option<RepositoryId>,
    /// `None`: nobody has looked yet, and somebody has to.
    pub(super) places: Option<JobPlaces>,
    /// Since when it could have been claimed.
    pub(super) since: DateTime<Utc>,
}

impl Load {
    /// The places whose number is limited, each with its limit.
    fn limited(&self, limits: &JobLimits) -> Vec<(Place, u32)> {
        let mut found = Vec::new();
        if let (Some(repository), Some(limit)) = (self.repository, limits.per_repository) {
            found.push((Place::Repository(repository), limit));
        }
        let Some(places) = &self.places else { return found };
        if let (Some(host), Some(limit)) = (&places.hypervisor, limits.per_hypervisor) {
            found.push((Place::Hypervisor(host.clone()), limit));
        }
        if let Some(limit) = limits.per_storage {
            let storage = |name: &String| (Place::Storage(name.clone()), limit);
            found.extend(places.storages.iter().map(storage));
        }
        found
    }
}

/// What is taken, while jobs are looked at from the oldest to the youngest.
pub(super) struct Room {
    limits: JobLimits,
    now: DateTime<Utc>,
    taken: HashMap<Place, u32>,
    held: bool,
}

impl Room {
    /// With these jobs running.
    pub(super) fn new(limits: JobLimits, running: &[Load], now: DateTime<Utc>) -> Self {
        let mut room = Self { limits, now, taken: HashMap::new(), held: false };
        running.iter().for_each(|job| room.take(job));
        room
    }

    fn take(&mut self, job: &Load) {
        for (place, _) in job.limited(&self.limits) {
            *self.taken.entry(place).or_default() += 1;
        }
    }

    /// Whether the job may run now. To be asked about each job that could be claimed, the oldest
    /// first; the first that may is the one.
    ///
    /// The oldest that has waited for [`PATIENCE`] holds what it needs against all that are
    /// younger: one that needs several places at once would else be passed for ever.
    pub(super) fn admits(&mut self, job: &Load) -> bool {
        // Ending is not to wait: it gives back what the job took, and people wait for it.
        if matches!(job.state, JobState::Cancelling | JobState::Unwinding) {
            return true;
        }
        if job.places.is_none() && self.limits.need_places() {
            return false;
        }
        let taken = |place| self.taken.get(place).copied().unwrap_or(0);
        if job.limited(&self.limits).iter().all(|(place, limit)| taken(place) < *limit) {
            return true;
        }
        if !self.held && self.now - job.since >= PATIENCE {
            self.held = true;
            self.take(job);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: JobLimits =
        JobLimits { per_storage: Some(2), per_hypervisor: Some(1), per_repository: Some(3) };

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn repository(name: &str) -> RepositoryId {
        RepositoryId(uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()))
    }

    /// A job as `host storage+storage repository`, `-` for none and `?` for a host and storages
    /// that nobody has looked for.
    fn job(text: &str) -> Load {
        let words: Vec<_> = text.split_whitespace().collect();
        let named = |word: &str| (word != "-").then(|| word.to_owned());
        let places = (words[0] != "?").then(|| JobPlaces {
            hypervisor: named(words[0]),
            storages: words[1].split('+').filter_map(named).collect(),
        });
        Load {
            id: JobId::new(),
            state: JobState::Queued,
            repository: named(words[2]).map(|name| repository(&name)),
            places,
            since: at(0),
        }
    }

    /// Which of the waiting jobs runs next, by its position.
    fn next(limits: JobLimits, running: &[&str], waiting: &[Load], now: i64) -> Option<usize> {
        let running: Vec<_> = running.iter().map(|text| job(text)).collect();
        let mut room = Room::new(limits, &running, at(now));
        waiting.iter().position(|job| room.admits(job))
    }

    #[test]
    fn the_oldest_that_fits_is_next() {
        let none = JobLimits::default();
        for (limits, running, waiting, expected) in [
            // Nothing runs.
            (LIMITS, &[][..], &["a s1 r", "b s1 r"][..], Some(0)),
            // Its hypervisor is busy: the next one.
            (LIMITS, &["a s1 r"], &["a s1 r", "b s1 r"], Some(1)),
            // So are its storage,
            (LIMITS, &["a s1 r", "b s1 r"], &["c s1 r", "d s2 r"], Some(1)),
            // one of its storages,
            (LIMITS, &["a s1 r", "b s1 r"], &["c s2+s1 r", "d s2 r"], Some(1)),
            // its repository.
            (LIMITS, &["a s1 r", "b s2 r", "c s2 r"], &["d s3 r", "e s3 q"], Some(1)),
            (LIMITS, &["a s1 r"], &["a s2 q"], None),
            // What has no such thing is not limited by it.
            (LIMITS, &["a s1 r", "b s1 r"], &["- - r"], Some(0)),
            (LIMITS, &["a s1 r", "b s1 r", "c s2 r"], &["- - r", "- - -"], Some(1)),
            // Nobody knows where it is.
            (LIMITS, &[], &["? ? r", "a s1 r"], Some(1)),
            (JobLimits { per_repository: Some(1), ..none }, &[], &["? ? r"], Some(0)),
            (JobLimits { per_repository: Some(1), ..none }, &["? ? r"], &["? ? r"], None),
            // No limits, and limits of one kind.
            (none, &["a s r", "a s r"], &["a s r"], Some(0)),
            (JobLimits { per_storage: Some(1), ..none }, &["a s r"], &["a t r"], Some(0)),
            (JobLimits { per_hypervisor: Some(1), ..none }, &["a s r"], &["b s r"], Some(0)),
        ] {
            let waiting: Vec<_> = waiting.iter().map(|text| job(text)).collect();
            let found = next(limits, running, &waiting, 1);
            assert_eq!(found, expected, "{limits:?} {running:?} {waiting:?}");
        }
    }

    #[test]
    fn ending_waits_for_nothing() {
        for state in [JobState::Cancelling, JobState::Unwinding] {
            for text in ["a s1 r", "? ? r"] {
                let ending = Load { state, ..job(text) };
                assert_eq!(next(LIMITS, &["a s1 r"], &[ending], 0), Some(0));
            }
        }
        // It counts all the same.
        let ending = Load { state: JobState::Unwinding, ..job("a s1 r") };
        assert!(!Room::new(LIMITS, &[ending], at(0)).admits(&job("a s2 r")));
    }

    #[test]
    fn who_waited_long_is_passed_no_more() {
        // The first needs hypervisor a, which is busy, and a place of storage s1, of which one is
        // free: a younger job takes it, until the first has waited long.
        let waiting = [job("a s1 r"), job("b s1 r"), job("c s2 r")];
        let running = ["a s1 q"];
        assert_eq!(next(LIMITS, &running, &waiting, 9), Some(1));
        assert_eq!(next(LIMITS, &running, &waiting, 10), Some(2), "what it does not need is free");
        // Only one holds: the second one waits as long, and takes nothing from the third.
        let waiting = [job("a s1 r"), job("a s2 r"), job("c s2 r")];
        assert_eq!(next(LIMITS, &["a s1 q", "b s2 q"], &waiting, 99), Some(2));
    }

    /// A stream of jobs that never ends, each asking for one of the two places that one job needs
    /// together.
    #[test]
    fn nobody_starves() {
        let limits = JobLimits { per_storage: Some(1), ..JobLimits::default() };
        let patient = job("a s1+s2 r");
        let mut running = [("s1", 0), ("s2", 1)];
        for minute in 1..60 {
            // One of the two ends every minute, so that both are never free at once.
            let free = usize::from(minute % 2 == 0);
            let others: Vec<_> = running.iter().enumerate().filter(|(at, _)| *at != free).collect();
            let busy: Vec<_> = others
                .iter()
                .filter(|(_, (_, until))| *until > minute - 2)
                .map(|(_, (storage, _))| job(&format!("b {storage} r")))
                .collect();
            let mut room = Room::new(limits, &busy, at(minute));
            if room.admits(&patient) {
                assert!(minute >= 10, "a stream that leaves room is no test");
                return;
            }
            let younger = Load { since: at(minute), ..job(&format!("c {} r", running[free].0)) };
            if room.admits(&younger) {
                running[free].1 = minute;
            }
        }
        panic!("it never ran");
    }
}
