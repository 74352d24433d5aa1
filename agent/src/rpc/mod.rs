//! What an agent is asked over the message bus, and what it says there by itself.
//!
//! Questions name instances and jobs by id, and no path, no command, no URI comes from a message.
//! What may be asked is the list of this module; all but a freeze and its thaw only tell.

mod beat;
mod freeze;
mod server;

use firn_core::{InstanceId, PowerState, ProjectId};
use serde::{Deserialize, Serialize};

pub use freeze::{FreezeRefusal, InstanceFreeze, InstanceFrozen, InstanceThaw, InstanceThawed};
pub use server::{Agent, AgentOptions};

/// `{}` → [`DomainsListed`].
pub const DOMAIN_LIST: &str = "domain.list";
/// [`DomainShow`] → [`DomainShown`].
pub const DOMAIN_SHOW: &str = "domain.show";
/// `{}` → [`CephListed`].
pub const CEPH_LIST: &str = "ceph.list";
/// [`InstanceFreeze`] → [`InstanceFrozen`].
pub const INSTANCE_FREEZE: &str = "instance.freeze";
/// [`InstanceThaw`] → [`InstanceThawed`].
pub const INSTANCE_THAW: &str = "instance.thaw";
/// [`AgentReport`] → `{}`; asked by agents, of conductors.
pub const AGENT_REPORT: &str = "agent.report";
/// The newest version of each of these that is understood here.
pub const VERSION: u32 = 1;
/// Where conductors answer.
pub const CONDUCTOR: &str = "firn.conductor";

/// Where the agent of a host answers.
pub fn target(host: &str) -> String {
    format!("firn.agent.{host}")
}

/// The domains of a host, ordered by name, then id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainsListed {
    /// The usable ones.
    pub domains: Vec<DomainListed>,
}

/// A domain in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainListed {
    /// Its UUID; for a Nova server also the server's.
    pub id: InstanceId,
    /// The display name of a Nova server, else the domain's name.
    pub name: String,
    /// Who owns it.
    pub project_id: ProjectId,
    /// Whether it runs.
    pub power_state: PowerState,
}

/// Asks for one domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainShow {
    /// Its UUID.
    pub id: InstanceId,
}

/// One domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainShown {
    /// Its XML, without the values of passwords.
    pub xml: String,
    /// Whether it runs.
    pub power_state: PowerState,
}

/// The Ceph clusters that a host uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CephListed {
    /// In the order of the agent's configuration.
    pub clusters: Vec<CephCluster>,
}

/// A Ceph cluster, as a host's `ceph.conf` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CephCluster {
    /// Its id.
    pub fsid: String,
    /// Where its monitors are, as `mon_host` of a `ceph.conf`.
    pub mon_host: String,
}

/// An agent lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReport {
    /// Its host.
    pub host: String,
    /// Its version.
    pub version: String,
    /// When it started, ISO 8601 in UTC.
    pub started_at: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    oslo_messaging::schema_fingerprints! { messages_do_not_change_silently:
        "ceph.list/1 answer" = "0e49ac42a836d99d" as CephListed => [
            json!(CephListed {
                clusters: vec![CephCluster { fsid: String::new(), mon_host: String::new() }],
            }),
        ],
    }
}
