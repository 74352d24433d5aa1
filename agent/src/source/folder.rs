use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use firn_core::{InstanceId, PowerState};
use parking_lot::Mutex;

use super::file::{self, Content, Stamp};
use super::{DomainList, DomainSource, DomainSummary, SourceError, SourceProblem};
use crate::Domain;

/// A folder of domain XML, one domain in each `*.xml`. Hidden files are not looked at.
///
/// Files are read again when they have changed. What runs is not known here.
#[derive(Debug)]
pub struct FolderSource {
    folder: PathBuf,
    files: Mutex<BTreeMap<PathBuf, Known>>,
}

/// What a file held when it was last read.
#[derive(Debug)]
struct Known {
    /// `None` when the file may change again without its stamp showing it.
    stamp: Option<Stamp>,
    content: Arc<Content>,
}

impl FolderSource {
    /// A folder. It need not exist before it is first asked.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), files: Mutex::default() }
    }

    /// What all files hold now, by path.
    fn scan(&self) -> Result<Vec<(PathBuf, Arc<Content>)>, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: self.folder.clone(), source };
        let mut known = self.files.lock();
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&self.folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if named_as_domain(&path) {
                // The metadata of the name itself: a symbolic link is not followed.
                let metadata = fs::symlink_metadata(&path);
                if matches!(&metadata, Err(error) if error.kind() == io::ErrorKind::NotFound) {
                    continue;
                }
                let file = refreshed(&path, &metadata, known.remove(&path));
                found.insert(path, file);
            }
        }
        *known = found;
        Ok(known.iter().map(|(path, file)| (path.clone(), Arc::clone(&file.content))).collect())
    }

    fn find(&self, id: InstanceId) -> Result<Domain, SourceError> {
        let mut good = Vec::new();
        let mut bad = None;
        for (path, content) in self.scan()? {
            match content.as_ref() {
                Content::Domain(domain) if domain.id == id => good.push((path, content)),
                Content::Invalid { id: Some(claimed), error } if *claimed == id => {
                    let origin = path.display().to_string();
                    bad = Some(SourceError::Invalid { origin, source: error.clone() });
                }
                _ => {}
            }
        }
        if good.len() > 1 {
            let origins = good.iter().map(|(path, _)| path.display().to_string()).collect();
            return Err(SourceError::Duplicate { id, origins });
        }
        match good.first().map(|(_, content)| content.as_ref()) {
            Some(Content::Domain(domain)) => Ok(domain.as_ref().clone()),
            _ => Err(bad.unwrap_or(SourceError::NotFound { id })),
        }
    }
}

fn named_as_domain(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().first() == Some(&b'.'));
    !hidden && path.extension().is_some_and(|extension| extension == "xml")
}

fn refreshed(path: &Path, metadata: &io::Result<Metadata>, known: Option<Known>) -> Known {
    let stamp = metadata.as_ref().ok().map(Stamp::of);
    match known {
        Some(known) if known.stamp.is_some() && known.stamp == stamp => known,
        _ => {
            let content = file::read(path);
            if let Some(reason) = content.problem() {
                tracing::warn!(file = %path.display(), reason, "domain file not usable");
            }
            let stamp = stamp.filter(Stamp::settled);
            Known { stamp, content: Arc::new(content) }
        }
    }
}

impl DomainSource for FolderSource {
    fn list(&self) -> Result<DomainList, SourceError> {
        let mut list = DomainList::default();
        let mut files: BTreeMap<InstanceId, Vec<(PathBuf, String)>> = BTreeMap::new();
        for (path, content) in self.scan()? {
            let origin = path.display().to_string();
            match content.as_ref() {
                Content::Domain(domain) => {
                    files.entry(domain.id).or_default().push((path, domain.name.clone()));
                }
                other => list
                    .problems
                    .extend(other.problem().map(|reason| SourceProblem { origin, reason })),
            }
        }
        for (id, mut files) in files {
            match (files.pop(), files.is_empty()) {
                (Some((_, name)), true) => {
                    let power_state = PowerState::Unknown;
                    list.domains.push(DomainSummary { id, name, power_state });
                }
                (last, _) => {
                    let paths = files.iter().chain(last.as_ref());
                    let origins: Vec<_> =
                        paths.map(|(path, _)| path.display().to_string()).collect();
                    let origin = origins.join(", ");
                    let reason = SourceError::Duplicate { id, origins }.to_string();
                    list.problems.push(SourceProblem { origin, reason });
                }
            }
        }
        list.sort();
        Ok(list)
    }

    fn domain_xml(&self, id: InstanceId) -> Result<String, SourceError> {
        self.find(id).map(|domain| domain.xml)
    }

    /// Always [`PowerState::Unknown`] for a domain that is there.
    fn power_state(&self, id: InstanceId) -> Result<PowerState, SourceError> {
        self.find(id).map(|_| PowerState::Unknown)
    }

    fn domain(&self, id: InstanceId) -> Result<Domain, SourceError> {
        self.find(id)
    }
}
