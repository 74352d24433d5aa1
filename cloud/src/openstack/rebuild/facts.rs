use std::collections::{BTreeMap, BTreeSet};

use firn_core::{NewInstance, NovaDisks, ProjectId};
use futures_util::future::try_join_all;

use super::former::Former;
use crate::Grant;
use crate::openstack::block_storage::{BlockStorage, QuotaUsage, VolumeType};
use crate::openstack::compute::{Compute, ComputeLimits, Flavor, ServerGroup};
use crate::openstack::image::ImageStore;
use crate::openstack::network::{Network, NetworkSummary, Port, PortFilter, PortQuota};
use crate::openstack::{OpenStackError, Services};

/// What the cloud has now and an owner may use, as far as a former server asks for it.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Whose the new server is.
    pub(super) project: ProjectId,
    pub(super) flavors: Vec<Flavor>,
    pub(super) availability_zones: Vec<String>,
    pub(super) networks: Vec<NetworkSummary>,
    /// All ports on the server's networks, of whomever.
    pub(super) ports: Vec<Port>,
    /// Ids of the project's security groups.
    pub(super) security_groups: BTreeSet<String>,
    /// The server's image can be used; only asked where it would be.
    pub(super) image_active: bool,
    /// The owner has a keypair with the name that is asked for.
    pub(super) keypair: bool,
    /// The server's group, where it is there and of the project.
    pub(super) server_group: Option<GroupFacts>,
    pub(super) limits: ComputeLimits,
    /// None where Neutron does not tell.
    pub(super) port_quota: Option<PortQuota>,
    pub(super) storage: StorageFacts,
}

/// What there is to know of a server group.
#[derive(Clone, Debug)]
pub(super) struct GroupFacts {
    /// How many servers the owner may still put into it; none where there is no limit.
    pub(super) members_left: Option<u64>,
}

/// What Cinder has for an owner.
#[derive(Clone, Debug)]
pub(super) struct StorageFacts {
    /// Names of the volume types.
    pub(super) volume_types: BTreeSet<String>,
    /// Name of the type of volumes that are made without naming one; only asked where one would be.
    pub(super) default_type: Option<String>,
    /// Names of the types that are asked for and whose volumes Cinder encrypts.
    pub(super) encrypted_types: BTreeSet<String>,
    pub(super) availability_zones: Vec<String>,
    pub(super) quota: QuotaUsage,
}

impl Facts {
    /// Asks for all at once: as the owner, but for the ports, which are of others too and are made
    /// by an administrator, and what only administrators may know of volume types.
    pub(super) async fn gather(
        admin: &Services,
        owner: &Services,
        grant: &Grant,
        former: Former<'_>,
        wish: &NewInstance,
    ) -> Result<Self, OpenStackError> {
        let Services { compute, block_storage, network, images } = owner;
        let project = &grant.project_id;
        let key_name = key_name(former, wish);
        let (
            flavors,
            availability_zones,
            networks,
            ports,
            groups,
            image,
            keypair,
            group,
            limits,
            port_quota,
            storage,
        ) = tokio::try_join!(
            compute.flavor_list(),
            compute.availability_zones(),
            network.network_list(),
            ports(admin.network.as_ref(), former, wish),
            network.security_group_list(project),
            image_active(images.as_ref(), former, wish),
            has_keypair(compute.as_ref(), grant, key_name),
            server_group(compute.as_ref(), project, former),
            compute.limits(),
            admin.network.port_quota(project),
            StorageFacts::gather(
                admin.block_storage.as_ref(),
                block_storage.as_ref(),
                former.volume_types(wish),
            ),
        )?;
        let server_group = match group {
            Some(group) => Some(group_facts(admin.compute.as_ref(), grant, &group, &limits).await?),
            None => None,
        };
        Ok(Self {
            project: project.clone(),
            flavors,
            availability_zones,
            networks,
            ports,
            security_groups: groups.into_iter().map(|group| group.id).collect(),
            image_active: image,
            keypair,
            server_group,
            limits,
            port_quota,
            storage,
        })
    }
}

impl StorageFacts {
    /// As the owner; `admin` tells which of the types that are `wanted`, by their names, encrypt.
    /// None stands for the default one.
    pub(super) async fn gather(
        admin: &dyn BlockStorage,
        owner: &dyn BlockStorage,
        wanted: BTreeSet<Option<&str>>,
    ) -> Result<Self, OpenStackError> {
        let (types, default, availability_zones, quota) = tokio::try_join!(
            owner.volume_type_list(),
            default_type(owner, &wanted),
            owner.availability_zones(),
            owner.quota_usage(),
        )?;
        let named = types.iter().filter(|one| wanted.contains(&Some(one.name.as_str())));
        let used: BTreeMap<_, _> = named.chain(&default).map(|one| (&one.id, &one.name)).collect();
        let asked = used.into_iter().map(async |(id, name)| {
            let encrypts = admin.volume_type_encrypts(id).await?;
            Ok::<_, OpenStackError>(encrypts.then(|| name.clone()))
        });
        Ok(Self {
            encrypted_types: try_join_all(asked).await?.into_iter().flatten().collect(),
            volume_types: types.into_iter().map(|one| one.name).collect(),
            default_type: default.map(|one| one.name),
            availability_zones,
            quota,
        })
    }
}

async fn default_type(
    owner: &dyn BlockStorage,
    wanted: &BTreeSet<Option<&str>>,
) -> Result<Option<VolumeType>, OpenStackError> {
    match wanted.contains(&None) {
        true => owner.volume_type_default().await,
        false => Ok(None),
    }
}

/// The keypair that a new server is to have.
pub(super) fn key_name<'a>(former: Former<'a>, wish: &'a NewInstance) -> Option<&'a str> {
    let had = former.server.keypair.as_ref().map(|keypair| keypair.name.as_str());
    wish.key_name.as_deref().or(had)
}

async fn ports(
    network: &dyn Network,
    former: Former<'_>,
    wish: &NewInstance,
) -> Result<Vec<Port>, OpenStackError> {
    if !wish.keep_addresses {
        return Ok(Vec::new());
    }
    let networks: BTreeSet<_> = former.server.ports.iter().map(|port| &port.network_id).collect();
    let listed = networks.into_iter().map(async |id| {
        let filter = PortFilter::on_network(id);
        network.port_list(&filter).await
    });
    Ok(try_join_all(listed).await?.into_iter().flatten().collect())
}

async fn image_active(
    images: &dyn ImageStore,
    former: Former<'_>,
    wish: &NewInstance,
) -> Result<bool, OpenStackError> {
    match &former.server.image {
        Some(image) if wish.nova_disks == NovaDisks::Recreated => {
            let found = OpenStackError::or_absent(images.image_get(&image.id).await)?;
            Ok(found.is_some_and(|found| found.status == "active"))
        }
        _ => Ok(false),
    }
}

async fn has_keypair(
    compute: &dyn Compute,
    grant: &Grant,
    name: Option<&str>,
) -> Result<bool, OpenStackError> {
    let Some(name) = name else { return Ok(false) };
    let found = compute.keypair_get(&grant.user_id, name).await;
    Ok(OpenStackError::or_absent(found)?.is_some())
}

async fn server_group(
    compute: &dyn Compute,
    project: &ProjectId,
    former: Former<'_>,
) -> Result<Option<ServerGroup>, OpenStackError> {
    match former.server.server_groups.first() {
        Some(group) if former.machine.detail.instance.project_id == *project => {
            OpenStackError::or_absent(compute.server_group_get(&group.id).await)
        }
        _ => Ok(None),
    }
}

/// Nova counts the servers of one user only, whom it tells to administrators.
async fn group_facts(
    admin: &dyn Compute,
    grant: &Grant,
    group: &ServerGroup,
    limits: &ComputeLimits,
) -> Result<GroupFacts, OpenStackError> {
    let members_left = limits.group_members_left(group.members.len());
    if members_left != Some(0) {
        return Ok(GroupFacts { members_left });
    }
    let servers = admin.server_list(Some(&grant.project_id)).await?;
    let own = servers
        .iter()
        .filter(|server| server.user_id == grant.user_id && group.members.contains(&server.id));
    Ok(GroupFacts { members_left: limits.group_members_left(own.count()) })
}
