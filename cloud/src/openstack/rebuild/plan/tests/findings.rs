use firn_core::NovaDisks;
use serde_json::json;

use super::{Case, read};
use crate::ServerPlan;
use crate::openstack::network::Port;
use crate::openstack::rebuild::facts::GroupFacts;

/// What is done to a case, and words of the sentences that the plan has then beyond those it had.
type Row = (fn(&mut Case), &'static [&'static str]);

fn check(fresh: fn() -> Case, rows: &[Row], sentences: fn(&ServerPlan) -> &Vec<String>) {
    for (index, (alter, expected)) in rows.iter().enumerate() {
        let mut case = fresh();
        let before = case.plan();
        alter(&mut case);
        let plan = case.plan();
        let new: Vec<_> = sentences(&plan)
            .iter()
            .filter(|sentence| !sentences(&before).contains(sentence))
            .collect();
        assert_eq!(new.len(), expected.len(), "row {index}: {new:?}");
        for (sentence, words) in new.iter().zip(*expected) {
            assert!(sentence.contains(words), "row {index}: {sentence:?} lacks {words:?}");
        }
    }
}

fn taken(mac: &str, address: &str) -> Port {
    read(json!({"id": "x", "network_id": "n1", "mac_address": mac,
        "fixed_ips": [{"ip_address": address}]}))
}

#[test]
fn each_problem_is_told() {
    let rows: &[Row] = &[
        (|case| case.facts.flavors.clear(), &["no flavor named m1 (2 vCPUs, 512 MiB"]),
        (|case| case.server().flavor = None, &["nobody knows which flavor"]),
        (|case| case.wish.flavor = Some("x".into()), &["no flavor x"]),
        (|case| case.flavor().vcpus = 4, &["4 vCPUs instead of 2"]),
        (
            |case| (case.flavor().memory_mib, case.flavor().disk_gib) = (256, 0),
            &["not what it was (256 MiB of memory instead of 512)"],
        ),
        (|case| case.wish.availability_zone = Some("x".into()), &["no availability zone x"]),
        (
            |case| {
                case.facts.keypair = false;
                case.wish.key_name = Some("x".into());
            },
            &["no keypair x"],
        ),
        (|case| case.facts.networks.clear(), &["no network n1"]),
        (|case| case.wish.networks = read(json!({"n1": "x"})), &["no network x"]),
        (|case| case.wish.volume_type = Some("x".into()), &["type x, for vda", "type x, for vdb"]),
        (
            |case| case.facts.storage.volume_types.clear(),
            &["type fast, for vdc: name another one in volume_types, for fast"],
        ),
        (
            |case| case.encrypts("fast"),
            &["volume type fast, for vdc, encrypts, and the keys of its volumes are not ours to \
               write with: name one that does not in volume_types, for fast"],
        ),
        (
            |case| case.encrypts("standard"),
            &["the default volume type standard, for vda", "does not in volume_type"],
        ),
        (
            |case| {
                case.encrypts("standard");
                case.wish.volume_types = read(json!({"fast": "standard"}));
                case.wish.volume_type = Some("fast".into());
            },
            &["the volume type standard, for vdc, encrypts"],
        ),
        (|case| case.server().volumes[0].encrypted = true, &["vdc was encrypted"]),
        (|case| case.machine.detail.instance.disks[0].encrypted = true, &["vda was encrypted"]),
        (|case| drop(case.machine.disks.remove(0)), &["no root disk"]),
        (|case| case.facts.storage.quota.volumes.limit = 4, &["3 volumes"]),
        (|case| case.facts.storage.quota.size_gib.limit = 5, &["4 GiB of volumes are needed"]),
        (|case| case.facts.limits.instances = 3, &["1 servers"]),
        (
            |case| case.facts.limits.cores = 6,
            &["2 vCPUs are needed, and the project's quota has 1"],
        ),
        (|case| case.facts.limits.memory_mib = 1500, &["512 MiB of memory"]),
        (
            |case| case.facts.storage.quota.per_volume_gib.limit = 1,
            &["vdc has 2 GiB, and the project's quota allows volumes of 1 GiB at most"],
        ),
        (
            |case| case.facts.port_quota = read(json!({"limit": 5, "used": 4, "reserved": 1})),
            &["1 ports are needed, and the project's quota has 0 left"],
        ),
        (|case| case.facts.port_quota = read(json!({"limit": 5, "used": 4})), &[]),
        (|case| case.facts.port_quota = read(json!({"limit": -1, "used": 4})), &[]),
        (
            |case| case.facts.server_group = Some(GroupFacts { members_left: Some(0) }),
            &["1 places in the server group apart are needed, and the project's quota has 0"],
        ),
        (|case| case.facts.server_group = Some(GroupFacts { members_left: Some(1) }), &[]),
    ];
    check(Case::new, rows, |plan| &plan.problems);
}

#[test]
fn each_problem_of_novas_disks_is_told() {
    let rows: &[Row] = &[
        (|case| case.facts.image_active = false, &["image i1"]),
        (|case| case.server().image = None, &["image that nobody knows"]),
        (|case| case.machine.disks[0].size_bytes += 1, &["root disk has 2 GiB"]),
        (|case| case.machine.disks[1].size_bytes += 1, &["ephemeral disks have 2 GiB"]),
        (|case| case.machine.detail.instance.disks[1].encrypted = true, &["vdb was encrypted"]),
        (|case| case.encrypts("standard"), &[]),
        (|case| case.flavor().disk_gib = 2, &["2 GiB of disk instead of 1"]),
        (|case| case.flavor().disk_gib = 0, &["0 GiB of disk instead of 1", "makes 0 GiB"]),
        (|case| (case.former_flavor().disk_gib, case.flavor().disk_gib) = (0, 0), &[]),
    ];
    let fresh = || {
        let mut case = Case::new();
        case.wish.nova_disks = NovaDisks::Recreated;
        case
    };
    check(fresh, rows, |plan| &plan.problems);
}

#[test]
fn each_change_is_told() {
    let rows: &[Row] = &[
        (|case| case.server().locked = true, &["was locked"]),
        (|case| case.server().hostname = Some("till".into()), &["was till: Nova makes"]),
        (
            |case| {
                case.server().hostname = Some("the-shop-1".into());
                case.wish.name = Some("The Shop.1".into());
            },
            &[],
        ),
        (
            |case| {
                case.former_flavor().extra_specs = read(json!({"a": "1", "b": "2", "c": "3"}));
                case.flavor().extra_specs = read(json!({"a": "1", "b": "3", "d": "4"}));
            },
            &[
                "m1 has other extra specs than it had (b is 3 instead of 2, c was 3 and is gone, d is 4 \
               and was not there)",
            ],
        ),
        (|case| case.former_flavor().extra_specs = read(json!({"a": "1"})), &[]),
        (|case| case.facts.availability_zones.clear(), &["no availability zone nova"]),
        (|case| case.facts.keypair = false, &["no keypair k1"]),
        (|case| case.facts.server_group = None, &["no server group apart"]),
        (|case| case.server().lost.push("the TPM".into()), &["not to be had again: the TPM"]),
        (|case| drop(case.machine.disks.remove(1)), &["vdb is not in the restore point"]),
        (
            |case| case.facts.storage.availability_zones.clear(),
            &["no availability zone here is up in Cinder, for vdc: it chooses another one"],
        ),
        (|case| case.server().volumes[0].multiattach = true, &["several servers could have vdc"]),
        (|case| case.wish.keep_addresses = false, &["gets new addresses"]),
        (
            |case| case.facts.ports.push(taken("FA:16:3E:00:00:01", "10.0.0.9")),
            &["fa:16:3e:00:00:01 is in use"],
        ),
        (|case| case.facts.ports.push(taken("other", "10.0.0.5")), &["10.0.0.5 is in use"]),
        (|case| case.facts.networks[0].subnets.clear(), &["subnet of 10.0.0.5 is gone"]),
        (
            |case| case.facts.security_groups = ["g2".to_owned()].into(),
            &["no security group g1: the port in the place of p1 only has the others"],
        ),
        (|case| case.facts.security_groups.clear(), &["no security group g1, g2"]),
        (|case| case.server().ports[0].port_security_enabled = Some(false), &[]),
        (|case| case.server().ports[0].allowed_address_pairs = read(json!([{}])), &[]),
    ];
    check(Case::new, rows, |plan| &plan.changes);
}

#[test]
fn a_port_has_all_of_its_addresses_or_others_and_is_never_more_open() {
    let mut case = Case::new();
    let port = &mut case.server().ports[0];
    port.fixed_ips.push(read(json!({"subnet_id": "s1", "address": "fd00::5"})));
    case.facts.ports.push(taken("other", "fd00::5"));
    case.facts.security_groups.remove("g2");
    let planned = case.plan().ports.remove(0);
    assert_eq!((planned.addresses.len(), planned.mac.is_some()), (0, true));
    assert_eq!(planned.security_groups, Some(vec!["g1".to_owned()]));
    case.facts.security_groups.clear();
    assert_eq!(case.plan().ports[0].security_groups, None);
}

/// What an administrator's port could do and its owner's could not is not given away.
#[test]
fn a_port_is_only_open_where_its_owner_could_have_made_it_so() {
    let mut case = Case::new();
    let port = &mut case.server().ports[0];
    port.port_security_enabled = Some(false);
    port.vnic_type = Some("direct".to_owned());
    port.allowed_address_pairs = read(json!([
        {"ip_address": "10.0.0.9", "mac_address": "FA:16:3E:00:00:01"},
        {"ip_address": "10.0.0.8", "mac_address": "fa:16:3e:00:00:07"},
    ]));
    let pairs = json!([{"ip_address": "10.0.0.9"},
        {"ip_address": "10.0.0.8", "mac_address": "fa:16:3e:00:00:07"}]);
    let planned = |case: &Case| {
        let plan = case.plan();
        let told = |words: &str| plan.changes.iter().any(|change| change.contains(words));
        let told = told("had no port security") && told("send from further addresses");
        let port = plan.ports.into_iter().next().unwrap();
        assert_eq!(port.vnic_type.as_deref(), Some("direct"));
        assert_eq!(port.open, port.security_groups.is_none());
        assert_eq!((told, port.open), (!port.open, !port.allowed_address_pairs.is_empty()));
        (port.open, json!(port.allowed_address_pairs))
    };
    let (open, closed) = ((true, pairs), (false, json!([])));
    assert_eq!(planned(&case), open, "on an own network");
    case.wish.networks = read(json!({"n1": "n2"}));
    assert_eq!(planned(&case), closed, "on another's network");
    case.facts.networks[1].project_id = "p".to_owned();
    assert_eq!(planned(&case), open, "on another network of its own");
    case.facts.project.0 = "q".to_owned();
    assert_eq!(planned(&case), closed, "of another project");
}
