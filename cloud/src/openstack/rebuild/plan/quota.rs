use super::Findings;
use crate::PlannedVolume;
use crate::openstack::block_storage::QuotaUsage;
use crate::openstack::compute::{ComputeLimits, Flavor};
use crate::openstack::network::PortQuota;

/// Whether the project may have one more server of this flavor.
pub(super) fn check_server(limits: &ComputeLimits, flavor: Option<&Flavor>, found: &mut Findings) {
    check("servers", 1, limits.instances_left(), found);
    if let Some(flavor) = flavor {
        check("vCPUs", flavor.vcpus.into(), limits.cores_left(), found);
        check("MiB of memory", flavor.memory_mib, limits.memory_left_mib(), found);
    }
}

/// Whether the project may have these volumes as well.
pub(super) fn check_volumes(quota: &QuotaUsage, volumes: &[PlannedVolume], found: &mut Findings) {
    let count = u64::try_from(volumes.len()).unwrap_or(u64::MAX);
    check("volumes", count, quota.volumes.left(), found);
    let size_gib = volumes.iter().map(|volume| volume.size_gib).sum();
    check("GiB of volumes", size_gib, quota.size_gib.left(), found);
    let Some(most) = quota.per_volume_gib.left() else { return };
    for PlannedVolume { device, size_gib, .. } in volumes {
        if *size_gib > most {
            found.problem(format!(
                "{device} has {size_gib} GiB, and the project's quota allows volumes of {most} GiB \
                 at most: have it raised"
            ));
        }
    }
}

/// Whether the project may have so many ports more, where Neutron tells.
pub(super) fn check_ports(quota: Option<&PortQuota>, count: usize, found: &mut Findings) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    check("ports", count, quota.and_then(PortQuota::left), found);
}

/// Whether a server group takes one more server.
pub(super) fn check_group(name: &str, left: Option<u64>, found: &mut Findings) {
    check(&format!("places in the server group {name}"), 1, left, found);
}

fn check(what: &str, needed: u64, left: Option<u64>, found: &mut Findings) {
    if let Some(left) = left.filter(|left| *left < needed) {
        found.problem(format!(
            "{needed} {what} are needed, and the project's quota has {left} left: delete some, or \
             have it raised"
        ));
    }
}
