use std::collections::BTreeSet;

use firn_core::{NewInstance, NovaDisks, NovaFlavor};

use super::Findings;
use crate::openstack::compute::Flavor;
use crate::openstack::rebuild::facts::Facts;
use crate::openstack::rebuild::former::Former;

/// The flavor that is wished for, or the one that the server had, as long as it is the same still.
pub(super) fn choose<'a>(
    facts: &'a Facts,
    former: Former<'_>,
    wish: &NewInstance,
    found: &mut Findings,
) -> Option<&'a Flavor> {
    if let Some(wished) = &wish.flavor {
        let by_id = facts.flavors.iter().find(|flavor| flavor.id == *wished);
        let flavor = by_id.or_else(|| facts.flavors.iter().find(|flavor| flavor.name == *wished));
        if flavor.is_none() {
            found.problem(format!("the project may use no flavor {wished}: name another one"));
        }
        return flavor;
    }
    let Some(had) = &former.server.flavor else {
        found.problem("nobody knows which flavor the server had: name one with flavor");
        return None;
    };
    let Some(flavor) = facts.flavors.iter().find(|flavor| flavor.name == had.name) else {
        let NovaFlavor { name, vcpus, memory_mib, disk_gib, .. } = had;
        found.problem(format!(
            "the project may use no flavor named {name} ({vcpus} vCPUs, {memory_mib} MiB of \
             memory, {disk_gib} GiB of disk): name one with flavor"
        ));
        return None;
    };
    let differences = differences(had, flavor, wish.nova_disks);
    if !differences.is_empty() {
        found.problem(format!(
            "the flavor {} is not what it was ({}): name it, or another one, with flavor",
            had.name,
            differences.join(", ")
        ));
    }
    let specs = other_specs(had, flavor);
    if !specs.is_empty() {
        let (name, specs) = (&had.name, specs.join(", "));
        found.change(format!("the flavor {name} has other extra specs than it had ({specs})"));
    }
    Some(flavor)
}

/// They may say how the guest sees its processors and which devices it has.
fn other_specs(had: &NovaFlavor, flavor: &Flavor) -> Vec<String> {
    let Some(now) = &flavor.extra_specs else { return Vec::new() };
    let keys: BTreeSet<_> = had.extra_specs.keys().chain(now.keys()).collect();
    let told = keys.into_iter().filter_map(|key| match (had.extra_specs.get(key), now.get(key)) {
        (was, is) if was == is => None,
        (Some(was), Some(is)) => Some(format!("{key} is {is} instead of {was}")),
        (None, Some(is)) => Some(format!("{key} is {is} and was not there")),
        (was, None) => was.map(|was| format!("{key} was {was} and is gone")),
    });
    told.collect()
}

/// The sizes of disks only matter where Nova makes them.
fn differences(had: &NovaFlavor, flavor: &Flavor, disks: NovaDisks) -> Vec<String> {
    let makes_disks = disks == NovaDisks::Recreated;
    let figures = [
        (true, "vCPUs", had.vcpus.into(), flavor.vcpus.into()),
        (true, "MiB of memory", had.memory_mib, flavor.memory_mib),
        (makes_disks, "GiB of disk", had.disk_gib, flavor.disk_gib),
        (makes_disks, "GiB of ephemeral disks", had.ephemeral_gib, flavor.ephemeral_gib),
    ];
    let differ = figures.into_iter().filter(|(matters, _, was, is)| *matters && was != is);
    differ
        .map(|(_, what, was, is): (_, _, u64, u64)| format!("{is} {what} instead of {was}"))
        .collect()
}
