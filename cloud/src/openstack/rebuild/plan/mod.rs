//! What a new server or volume would be: from facts, without asking anybody.

mod disks;
mod flavor;
mod ports;
mod quota;
mod settings;
mod volume;

pub(super) use volume::{new_volume, replaced_volume};

use firn_core::{NewInstance, NovaDisks};

use super::facts::Facts;
use super::former::Former;
use crate::{PlannedServer, ServerPlan};

/// What there is to say about a plan, in the order in which it was found.
#[derive(Debug, Default)]
struct Findings {
    changes: Vec<String>,
    problems: Vec<String>,
}

impl Findings {
    fn change(&mut self, sentence: impl Into<String>) {
        push_new(&mut self.changes, sentence.into());
    }

    fn problem(&mut self, sentence: impl Into<String>) {
        push_new(&mut self.problems, sentence.into());
    }
}

/// What holds for several disks or ports is said once.
fn push_new(sentences: &mut Vec<String>, sentence: String) {
    if !sentences.contains(&sentence) {
        sentences.push(sentence);
    }
}

/// What a new server would be that takes the place of a former one.
pub(super) fn server(facts: &Facts, former: Former<'_>, wish: &NewInstance) -> ServerPlan {
    let mut found = Findings::default();
    let name = wish.name.as_ref().unwrap_or(&former.machine.detail.instance.name);
    let flavor = flavor::choose(facts, former, wish, &mut found);
    let settings = settings::of(facts, former, wish, &mut found);
    let recreated = match wish.nova_disks {
        NovaDisks::Volumes => disks::Recreated::default(),
        NovaDisks::Recreated => disks::recreated(facts, former, flavor, &mut found),
    };
    let volumes = disks::volumes(&facts.storage, former, wish, name, flavor, &mut found);
    let ports = ports::plan(facts, former, wish, &mut found);
    quota::check_server(&facts.limits, flavor, &mut found);
    quota::check_volumes(&facts.storage.quota, &volumes, &mut found);
    quota::check_ports(facts.port_quota.as_ref(), ports.len(), &mut found);
    for line in &former.server.lost {
        found.change(format!("not to be had again: {line}"));
    }
    let server = PlannedServer {
        name: name.clone(),
        flavor_id: flavor.map(|flavor| flavor.id.clone()).unwrap_or_default(),
        flavor_name: flavor.map(|flavor| flavor.name.clone()).unwrap_or_default(),
        image_id: recreated.image_id,
        ephemeral_gib: recreated.ephemeral_gib,
        ..settings
    };
    ServerPlan { server, ports, volumes, changes: found.changes, problems: found.problems }
}

#[cfg(test)]
mod tests;
