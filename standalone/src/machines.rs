//! The agent's domains as the machines of a standalone cloud.

use std::path::Path;
use std::sync::Arc;

use firn_agent::{CombinedSource, DomainSource, FolderSource, LibvirtSource, SourceError};
use firn_cloud::{CloudError, InstanceDetail, InstanceSummary, Machines};
use firn_core::{ErrorKind, InstanceId, PowerState, ProjectId};

/// Where a libvirt that runs listens.
const LIBVIRT_SOCKETS: [&str; 2] = ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"];

/// The libvirt asked where none is named.
const SYSTEM_LIBVIRT: &str = "qemu:///system";

/// Domains of a folder, and of libvirt where it runs or is named.
pub(crate) fn source(folder: &Path, libvirt: Option<&str>) -> Arc<dyn DomainSource> {
    let folder = FolderSource::new(folder);
    let running = || LIBVIRT_SOCKETS.iter().any(|socket| Path::new(socket).exists());
    match libvirt.or_else(|| running().then_some(SYSTEM_LIBVIRT)) {
        Some(uri) => Arc::new(CombinedSource::new(folder, LibvirtSource::new(uri))),
        None => Arc::new(folder),
    }
}

/// A source of domains as a source of machines.
pub(crate) struct Domains(pub(crate) Arc<dyn DomainSource>);

impl Machines for Domains {
    fn list(&self) -> Result<Vec<InstanceSummary>, CloudError> {
        let list = self.0.list().map_err(unavailable)?;
        for problem in &list.problems {
            tracing::warn!(origin = problem.origin, reason = problem.reason, "domain not usable");
        }
        let summary = |domain: firn_agent::DomainSummary| InstanceSummary {
            id: domain.id,
            name: domain.name,
            project_id: ProjectId::standalone(),
            power_state: domain.power_state,
            metadata: None,
        };
        Ok(list.domains.into_iter().map(summary).collect())
    }

    fn get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError> {
        let domain = self.0.domain(id).map_err(|error| cloud_error(id, error))?;
        let power_state = Machines::power_state(self, id)?;
        let instance = domain.instance(power_state);
        Ok(InstanceDetail { instance, machine: domain.machine, host: None })
    }

    fn power_state(&self, id: InstanceId) -> Result<PowerState, CloudError> {
        self.0.power_state(id).map_err(|error| cloud_error(id, error))
    }
}

fn cloud_error(id: InstanceId, error: SourceError) -> CloudError {
    match error.kind() {
        ErrorKind::NotFound => CloudError::NotFound { id },
        ErrorKind::InvalidInput => CloudError::InvalidInput { id, source: Box::new(error) },
        _ => unavailable(error),
    }
}

fn unavailable(error: SourceError) -> CloudError {
    CloudError::Unavailable {
        service: "the list of domains".to_owned(),
        source: Some(Box::new(error)),
    }
}
