//! Decides, and keeps the rules fresh.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, RwLock};

use crate::credentials::Credentials;
use crate::error::{Defect, Denied, PolicyError, Reason};
use crate::file::{self, PolicyFile, Stamp};
use crate::rules::PolicyRule;
use crate::target::Target;

mod circles;
mod table;

use table::Table;

/// How an [`Enforcer`] works.
#[derive(Clone, Debug)]
pub struct Options {
    /// The rule that stands in for every rule that does not exist, when it exists itself.
    pub default_rule: String,
    /// Whether a token's scope has to be one of the rule's `scope_types`.
    pub enforce_scope: bool,
    /// How often at most the files are looked at.
    pub recheck: Duration,
    /// Folders with further policy files: all that are not hidden, by name, each over those before
    /// it and over the policy file. A folder need not exist.
    pub policy_dirs: Vec<PathBuf>,
}

impl Default for Options {
    /// `default`, scopes enforced, once a second, no folders.
    fn default() -> Self {
        Self {
            default_rule: "default".to_owned(),
            enforce_scope: true,
            recheck: Duration::from_secs(1),
            policy_dirs: Vec::new(),
        }
    }
}

/// A file younger than this may be written again without its stamp changing, since file systems
/// count time in ticks.
const SETTLED: Duration = Duration::from_secs(2);

/// The files as they are.
#[derive(Clone, Default, PartialEq)]
struct Stamps {
    main: Option<Stamp>,
    folders: Vec<(PathBuf, Stamp)>,
}

/// What was read of the files last.
#[derive(Default)]
struct Watched {
    stamps: Stamps,
    young: bool,
    main: Option<PolicyFile>,
    files: Vec<PolicyFile>,
    /// The last trouble, which is logged once.
    trouble: Option<String>,
}

/// The rules of a program and of its operator. To be shared between threads.
pub struct Enforcer {
    defaults: Vec<PolicyRule>,
    path: Option<PathBuf>,
    options: Options,
    table: RwLock<Arc<Table>>,
    watched: Mutex<Watched>,
    started: Instant,
    /// Milliseconds from `started` to the next look at the file.
    next_look: AtomicU64,
}

impl std::fmt::Debug for Enforcer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Enforcer").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Enforcer {
    /// An enforcer with the program's rules and the operator's file over them. A file that does
    /// not exist (yet) changes nothing.
    ///
    /// # Errors
    /// A default rule is wrong, or the file is there and is no table of rules. Single bad rules in
    /// the file are no error: they never hold, and are logged.
    pub fn new(defaults: &[PolicyRule], policy_file: Option<&Path>) -> Result<Self, PolicyError> {
        Self::with_options(defaults, policy_file, Options::default())
    }

    /// The same with other [`Options`].
    ///
    /// # Errors
    /// As [`Enforcer::new`].
    pub fn with_options(
        defaults: &[PolicyRule],
        policy_file: Option<&Path>,
        options: Options,
    ) -> Result<Self, PolicyError> {
        let table = Table::new(defaults, &[], &options.default_rule);
        if let Some(defect) = table.defects.first() {
            return Err(PolicyError::Default { defect: defect.clone() });
        }
        let enforcer = Self {
            defaults: defaults.to_vec(),
            path: policy_file.map(Path::to_owned),
            table: RwLock::new(Arc::new(table)),
            watched: Mutex::default(),
            started: Instant::now(),
            next_look: AtomicU64::new(0),
            options,
        };
        enforcer.reload()?;
        Ok(enforcer)
    }

    /// Whether the caller may do to the target what the rule guards. Looks at the policy file
    /// first when it is time to.
    ///
    /// # Errors
    /// The caller may not.
    pub fn enforce(
        &self,
        rule: &str,
        target: &dyn Target,
        credentials: &Credentials,
    ) -> Result<(), Denied> {
        self.look_when_due();
        let table = Arc::clone(&self.table.read());
        let reason = table.decide(rule, target, credentials, self.options.enforce_scope);
        let Some(reason) = reason else { return Ok(()) };
        if reason == Reason::UnknownRule {
            tracing::warn!(rule, "denied: there is no such policy rule");
        }
        Err(Denied { rule: rule.to_owned(), reason })
    }

    /// Every rule with whether it lets the caller do it to the target, sorted by name: what
    /// `oslopolicy-checker` shows.
    #[must_use]
    pub fn check_all(
        &self,
        target: &dyn Target,
        credentials: &Credentials,
    ) -> Vec<(String, Result<(), Denied>)> {
        let names = self.names();
        let check = |name: String| {
            let result = self.enforce(&name, target, credentials);
            (name, result)
        };
        names.into_iter().map(check).collect()
    }

    /// The names of all rules, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.table.read().names().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// What is wrong with the rules in force.
    #[must_use]
    pub fn defects(&self) -> Vec<Defect> {
        self.table.read().defects.clone()
    }

    /// Reads the policy files now if they changed.
    ///
    /// # Errors
    /// One cannot be read or is no table of rules; the rules in force stay, all of them.
    pub fn reload(&self) -> Result<(), PolicyError> {
        let mut watched = self.watched.lock();
        let result = self.refresh(&mut watched);
        if let Err(error) = &result {
            let trouble = error.to_string();
            if watched.trouble.as_ref() != Some(&trouble) {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "the policy file cannot be used; the rules stay as they are"
                );
                watched.trouble = Some(trouble);
            }
        }
        result
    }

    fn look_when_due(&self) {
        if self.path.is_none() && self.options.policy_dirs.is_empty() {
            return;
        }
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let now = millis(self.started.elapsed());
        let due = self.next_look.load(Ordering::Relaxed);
        let next = now.saturating_add(millis(self.options.recheck));
        let claim = || {
            self.next_look.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        if now >= due && claim() {
            // Logged in there; the rules in force stay.
            let _ = self.reload();
        }
    }

    fn stamps(&self) -> Result<Stamps, PolicyError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| PolicyError::Unreadable { path, source }
        };
        let main = match &self.path {
            Some(path) => file::stamp(path).map_err(unreadable(path))?,
            None => None,
        };
        let mut folders = Vec::new();
        for folder in &self.options.policy_dirs {
            folders.extend(file::folder(folder).map_err(unreadable(folder))?);
        }
        Ok(Stamps { main, folders })
    }

    fn refresh(&self, watched: &mut Watched) -> Result<(), PolicyError> {
        let stamps = self.stamps()?;
        if stamps == watched.stamps && !watched.young {
            return Ok(());
        }
        let before = std::mem::replace(&mut watched.stamps, stamps.clone());
        let now = SystemTime::now();
        let mut all = stamps.folders.iter().map(|file| &file.1).chain(&stamps.main);
        watched.young = all.any(|stamp| !stamp.is_older_than(SETTLED, now));
        let main = match (&self.path, stamps.main) {
            (Some(path), Some(_)) => Some(file::read(path)?),
            (Some(path), None) if before.main.is_some() => {
                tracing::warn!(
                    path = %path.display(),
                    "the policy file is gone; its rules stay in force until another one is there"
                );
                watched.main.clone()
            }
            _ => watched.main.clone(),
        };
        let mut files: Vec<PolicyFile> = main.iter().cloned().collect();
        for (path, _) in &stamps.folders {
            files.push(file::read(path)?);
        }
        watched.trouble = None;
        if files != watched.files {
            self.use_files(&files);
        }
        watched.main = main;
        watched.files = files;
        Ok(())
    }

    fn use_files(&self, files: &[PolicyFile]) {
        let table = Table::new(&self.defaults, files, &self.options.default_rule);
        for defect in &table.defects {
            tracing::error!("policy: {defect}; this part of the rule never holds");
        }
        for hint in &table.hints {
            tracing::warn!("policy: {hint}");
        }
        for file in files {
            let rules = file.entries.len();
            tracing::info!(path = %file.path.display(), rules, "policy file in force");
        }
        *self.table.write() = Arc::new(table);
    }
}
