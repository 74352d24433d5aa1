//! Where domain XML comes from.

mod combined;
mod error;
mod file;
mod folder;
mod freeze;
mod libvirt;
mod virsh;

use firn_core::{InstanceId, PowerState};

use crate::Domain;

pub use combined::CombinedSource;
pub use error::SourceError;
pub use folder::FolderSource;
pub use libvirt::LibvirtSource;

/// A place that knows domains. Calls block.
pub trait DomainSource: Send + Sync {
    /// All domains that can be described, ordered by name, then id, and what stood in the way of
    /// others. One bad domain never hides the good ones.
    ///
    /// # Errors
    /// When the place itself cannot be read.
    fn list(&self) -> Result<DomainList, SourceError>;

    /// The XML of one domain, without passwords.
    ///
    /// # Errors
    /// [`SourceError::NotFound`], or the reason why a domain that is there cannot be used.
    fn domain_xml(&self, id: InstanceId) -> Result<String, SourceError>;

    /// Whether a domain runs now.
    ///
    /// # Errors
    /// [`SourceError::NotFound`], or the reason why nobody could be asked. A place that never
    /// knows answers [`PowerState::Unknown`].
    fn power_state(&self, id: InstanceId) -> Result<PowerState, SourceError>;

    /// One domain, understood.
    ///
    /// # Errors
    /// Those of [`DomainSource::domain_xml`] and [`SourceError::Invalid`].
    fn domain(&self, id: InstanceId) -> Result<Domain, SourceError> {
        let xml = self.domain_xml(id)?;
        Domain::parse(xml.as_bytes())
            .map_err(|source| SourceError::Invalid { origin: format!("domain {id}"), source })
    }
}

/// A domain in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainSummary {
    /// Its UUID.
    pub id: InstanceId,
    /// Its name: the display name of a Nova server where the place knows it, else the domain's.
    pub name: String,
    /// Whether it runs.
    pub power_state: PowerState,
}

/// What a source knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainList {
    /// The usable domains.
    pub domains: Vec<DomainSummary>,
    /// What could not be used.
    pub problems: Vec<SourceProblem>,
}

/// Something in a source that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceProblem {
    /// The file or domain.
    pub origin: String,
    /// What is wrong with it, for the operator.
    pub reason: String,
}

impl DomainList {
    /// Brings the domains into the order that lists promise.
    fn sort(&mut self) {
        self.domains.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    }
}
