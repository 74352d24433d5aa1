use firn_core::NewInstance;

use super::{Findings, quota};
use crate::PlannedServer;
use crate::openstack::rebuild::facts::{Facts, key_name};
use crate::openstack::rebuild::former::Former;
use crate::openstack::rebuild::marks;

/// What a server has besides flavor, disks and ports.
pub(super) fn of(
    facts: &Facts,
    former: Former<'_>,
    wish: &NewInstance,
    found: &mut Findings,
) -> PlannedServer {
    let server = former.server;
    if server.locked {
        found.change("the server was locked, and the new one is not");
    }
    let name = wish.name.as_ref().unwrap_or(&former.machine.detail.instance.name);
    if let Some(had) = server.hostname.as_ref().filter(|had| !named_after(had, name)) {
        found.change(format!("the host name was {had}: Nova makes the new one of the name {name}"));
    }
    PlannedServer {
        availability_zone: availability_zone(facts, former, wish, found),
        key_name: keypair(facts, former, wish, found),
        server_group_id: server_group(facts, former, found),
        config_drive: server.config_drive,
        metadata: marks::without(&former.machine.detail.machine.metadata),
        tags: server.tags.clone(),
        description: server.description.clone(),
        ..PlannedServer::default()
    }
}

/// Whether Nova made a host name of a server's name. What it does to signs has changed over time.
fn named_after(hostname: &str, name: &str) -> bool {
    /// It cuts what is longer.
    const LONGEST: usize = 63;
    let plain = |text: &str| -> String {
        let signs = text.chars().take(LONGEST).filter(char::is_ascii_alphanumeric);
        signs.map(|sign| sign.to_ascii_lowercase()).collect()
    };
    plain(hostname) == plain(name)
}

fn availability_zone(
    facts: &Facts,
    former: Former<'_>,
    wish: &NewInstance,
    found: &mut Findings,
) -> Option<String> {
    // Administrators may name a host behind a colon.
    let exists = |wanted: &str| {
        let zone = wanted.split(':').next().unwrap_or_default();
        facts.availability_zones.iter().any(|known| known == zone)
    };
    if let Some(wished) = &wish.availability_zone {
        if !exists(wished) {
            found.problem(format!("no availability zone {wished} is up: name another one"));
        }
        return Some(wished.clone());
    }
    let had = former.server.availability_zone.as_ref()?;
    if exists(had) {
        return Some(had.clone());
    }
    found.change(format!("no availability zone {had} is up: Nova chooses another one"));
    None
}

fn keypair(
    facts: &Facts,
    former: Former<'_>,
    wish: &NewInstance,
    found: &mut Findings,
) -> Option<String> {
    let name = key_name(former, wish)?;
    if facts.keypair {
        return Some(name.to_owned());
    }
    match wish.key_name.is_some() {
        true => found.problem(format!("you have no keypair {name}: name another one, or none")),
        false => found.change(format!("you have no keypair {name}: Nova gives the server none")),
    }
    None
}

fn server_group(facts: &Facts, former: Former<'_>, found: &mut Findings) -> Option<String> {
    let group = former.server.server_groups.first()?;
    let name = group.name.as_ref().unwrap_or(&group.id);
    if let Some(known) = &facts.server_group {
        quota::check_group(name, known.members_left, found);
        return Some(group.id.clone());
    }
    found.change(format!("the project has no server group {name}: the new server is in none"));
    None
}
