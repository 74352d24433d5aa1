use std::path::PathBuf;
use std::time::Duration;

use firn_core::{InstanceId, PowerState};

use super::virsh::Virsh;
use super::{DomainList, DomainSource, DomainSummary, SourceError, SourceProblem};
use crate::Domain;

/// The libvirt that runs on this host, asked through `virsh` in a child process with a deadline.
#[derive(Clone, Debug)]
pub struct LibvirtSource {
    virsh: Virsh,
}

impl LibvirtSource {
    /// The system's own libvirt: `qemu:///system`, five seconds a question.
    pub fn system() -> Self {
        Self::new("qemu:///system")
    }

    /// A libvirt by its connection URI.
    pub fn new(uri: &str) -> Self {
        let deadline = Duration::from_secs(5);
        Self { virsh: Virsh { program: PathBuf::from("virsh"), uri: uri.to_owned(), deadline } }
    }

    /// The same with another `virsh`.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.virsh.program = program.into();
        self
    }

    /// The same with another deadline for each question.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.virsh.deadline = deadline;
        self
    }

    /// Asks about one domain; that it is unknown is told apart from all else that can fail.
    fn ask(&self, command: &str, id: InstanceId) -> Result<String, SourceError> {
        self.virsh.run(&[command, &id.to_string()]).map_err(|error| about(id, error))
    }

    /// The same of a command that tells its outcome only to people.
    pub(super) fn ask_aloud(&self, command: &str, id: InstanceId) -> Result<String, SourceError> {
        self.virsh.run_aloud(&[command, &id.to_string()]).map_err(|error| about(id, error))
    }

    /// Whether the guest's memory is saved on the host, as Nova does when it suspends a server.
    fn is_saved(&self, id: InstanceId) -> Result<bool, SourceError> {
        let info = self.ask("dominfo", id)?;
        let saved = info.lines().find_map(|line| line.strip_prefix("Managed save:"));
        Ok(saved.is_some_and(|saved| saved.trim() == "yes"))
    }
}

impl DomainSource for LibvirtSource {
    /// Names are those of the domains: libvirt does not list what Nova calls its servers.
    fn list(&self) -> Result<DomainList, SourceError> {
        let running = self.virsh.run(&["list", "--uuid"])?;
        let running: Vec<&str> = running.split_whitespace().collect();
        let mut list = DomainList::default();
        for line in self.virsh.run(&["list", "--all", "--uuid", "--name"])?.lines() {
            let (uuid, name) = line.trim().split_once(char::is_whitespace).unwrap_or((line, ""));
            let power_state = match running.contains(&uuid) {
                true => PowerState::Running,
                false => PowerState::ShutOff,
            };
            match uuid.parse() {
                Ok(id) => {
                    let name = name.trim().to_owned();
                    list.domains.push(DomainSummary { id, name, power_state });
                }
                Err(_) if line.trim().is_empty() => {}
                Err(_) => list.problems.push(SourceProblem {
                    origin: "libvirt".to_owned(),
                    reason: format!("its list has a line without UUID: {line:?}"),
                }),
            }
        }
        list.sort();
        Ok(list)
    }

    /// The XML of the running machine, or of its next start when it is off.
    fn domain_xml(&self, id: InstanceId) -> Result<String, SourceError> {
        self.domain(id).map(|domain| domain.xml)
    }

    fn power_state(&self, id: InstanceId) -> Result<PowerState, SourceError> {
        let state = self.ask("domstate", id)?;
        Ok(match state.trim() {
            // A paused or crashed guest still has its disks open.
            "running" | "idle" | "paused" | "in shutdown" | "pmsuspended" | "crashed" => {
                PowerState::Running
            }
            // It goes on from there with what it had not written yet.
            "shut off" if self.is_saved(id)? => PowerState::Unknown,
            "shut off" => PowerState::ShutOff,
            _ => PowerState::Unknown,
        })
    }

    fn domain(&self, id: InstanceId) -> Result<Domain, SourceError> {
        let xml = self.ask("dumpxml", id)?;
        let invalid = |source| SourceError::Invalid { origin: format!("domain {id}"), source };
        let domain = Domain::parse(xml.as_bytes()).map_err(invalid)?;
        if domain.id == id {
            return Ok(domain);
        }
        let message = format!("the XML of {} instead", domain.id);
        Err(SourceError::Refused { command: format!("dumpxml {id}"), message })
    }
}

fn about(id: InstanceId, error: SourceError) -> SourceError {
    match error {
        SourceError::Refused { message, .. } if unknown_domain(&message) => {
            SourceError::NotFound { id }
        }
        other => other,
    }
}

fn unknown_domain(message: &str) -> bool {
    message.contains("failed to get domain") || message.contains("Domain not found")
}
