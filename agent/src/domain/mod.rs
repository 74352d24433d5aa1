//! A libvirt domain, understood.

mod disk;
mod error;
mod firmware;
mod interface;
mod location;
mod machine;
mod nova;
mod roles;
mod secrets;
mod tags;
mod value;

use firn_core::{Disk, Instance, InstanceId, MachineIdentity, PowerState, ProjectId};

use crate::xml::{self, Element};

pub use error::DomainError;

/// A libvirt domain: its disks and what it is apart from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its UUID; for a Nova server also the server's.
    pub id: InstanceId,
    /// The display name of a Nova server, else the domain's name.
    pub name: String,
    /// Its machine identity.
    pub machine: MachineIdentity,
    /// Its disks, in the order of the XML, without removable drives.
    pub disks: Vec<Disk>,
    /// Disk devices that are not among the disks, and why.
    pub left_out: Vec<LeftOut>,
    /// It has the channel on which QEMU's guest agent would answer, if the guest runs one.
    pub guest_agent: bool,
    /// The XML with the values of passwords removed.
    pub xml: String,
}

/// A disk device that is not backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Target device: `sda`.
    pub device: String,
    /// Why.
    pub reason: LeftOutReason,
}

/// Why a disk device is not among a domain's disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOutReason {
    /// An optical drive, with or without a disc.
    Cdrom,
    /// A floppy drive, with or without a disk.
    Floppy,
    /// The image that Nova lends a server while it is in rescue.
    Rescue,
}

impl Domain {
    /// Reads a domain XML.
    ///
    /// # Errors
    /// Whatever is wrong with the text, with the element named.
    pub fn parse(xml: &[u8]) -> Result<Self, DomainError> {
        let root = read(xml)?;
        let id = id(&root)?;
        let machine = machine::read(&root)?;
        let (disks, left_out) = roles::assign(&root, id, machine.nova.as_ref())?;
        let nova_name = machine.nova.as_ref().and_then(|nova| nova.name.clone());
        let name = nova_name.unwrap_or_else(|| machine.domain_name.clone());
        let xml = secrets::removed(xml, &root);
        let guest_agent = guest_agent(&root);
        Ok(Self { id, name, machine, disks, left_out, guest_agent, xml })
    }

    /// The UUID of a domain of which perhaps nothing else can be understood.
    pub(crate) fn parse_id(xml: &[u8]) -> Option<InstanceId> {
        read(xml).and_then(|root| id(&root)).ok()
    }

    /// The project that owns a Nova server, else the one of machines without Keystone.
    pub fn project_id(&self) -> ProjectId {
        let project = self.machine.nova.as_ref().and_then(|nova| nova.project.as_ref());
        project.map_or_else(ProjectId::standalone, |project| ProjectId(project.id.clone()))
    }

    /// The domain as an instance, in a power state that only its host knows.
    pub fn instance(&self, power_state: PowerState) -> Instance {
        Instance {
            id: self.id,
            name: self.name.clone(),
            project_id: self.project_id(),
            power_state,
            disks: self.disks.clone(),
            domain_xml: self.xml.clone(),
        }
    }
}

fn read(xml: &[u8]) -> Result<Element, DomainError> {
    let root = xml::read(xml).map_err(|source| DomainError::Xml { source })?;
    if root.name != "domain" || root.namespace.is_some() {
        let found = root.name.chars().take(80).collect();
        return Err(DomainError::Root { found });
    }
    Ok(root)
}

fn guest_agent(root: &Element) -> bool {
    let channels = root.child("devices").into_iter().flat_map(|devices| devices.named("channel"));
    channels.filter_map(|channel| channel.child("target")).any(|target| {
        target.attribute("type") == Some("virtio")
            && target.attribute("name") == Some("org.qemu.guest_agent.0")
    })
}

fn id(root: &Element) -> Result<InstanceId, DomainError> {
    let text = value::required_text(root, "uuid")?;
    text.parse().map_err(|_| DomainError::invalid("<uuid>", text, "it must be a UUID of 32 digits"))
}
