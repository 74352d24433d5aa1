use std::collections::BTreeMap;

use firn_core::{FileName, NewInstance, NovaDisks, RestoreTarget, VolumeTarget};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Name, TargetName, plain};

/// Where to write.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "it documents what TargetCreate reads")]
pub(crate) enum TargetDocument {
    /// Files on the conductor's machine.
    File {
        /// One plain file name: a new folder of this name gets one raw sparse file a disk.
        name: TargetName,
    },
    /// A new instance in the caller's project, in the caller's name. What is not said is as it was.
    NewInstance {
        /// Its name.
        #[schema(required = false)]
        name: Option<Name>,
        /// Id or name of its flavor.
        #[schema(required = false)]
        flavor: Option<Name>,
        /// Its availability zone.
        #[schema(required = false)]
        availability_zone: Option<Name>,
        /// Name of a keypair of the caller.
        #[schema(required = false)]
        key_name: Option<Name>,
        /// Ids of networks that take the place of others, by the others' ids.
        #[schema(required = false)]
        networks: Option<BTreeMap<String, Name>>,
        /// Keep MAC and fixed addresses where they are free; the default.
        #[schema(required = false)]
        keep_addresses: Option<bool>,
        /// Names of volume types that take the place of others, by the others' names.
        #[schema(required = false)]
        volume_types: Option<BTreeMap<String, Name>>,
        /// Volume type of disks that were no volumes; without it, Cinder's default.
        #[schema(required = false)]
        volume_type: Option<Name>,
        /// What becomes of root and ephemeral disks that Nova made.
        #[schema(required = false)]
        nova_disks: Option<NovaDisksWord>,
    },
    /// The instance itself: it is shut off, its disks get the content of the restore point, and it
    /// is started again if it ran. What they held is kept until then.
    Original {},
    /// One disk as a volume in the caller's project.
    Volume {
        /// The disk, by its device, such as `vdb`.
        device: Name,
        /// An available volume whose content is replaced; without it a new one is made.
        #[schema(required = false)]
        volume_id: Option<Uuid>,
        /// Name of the new volume.
        #[schema(required = false)]
        name: Option<Name>,
        /// Type of the new volume.
        #[schema(required = false)]
        volume_type: Option<Name>,
        /// Availability zone of the new volume.
        #[schema(required = false)]
        availability_zone: Option<Name>,
    },
}

/// What becomes of disks that Nova made.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NovaDisksWord {
    /// Volumes: the instance boots from one and needs no image.
    Volumes,
    /// What they were: Nova makes them anew, and their content is then replaced.
    Recreated,
}

/// Kinds of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TargetType {
    File,
    NewInstance,
    Original,
    Volume,
}

/// [`TargetDocument`] as it is read: flat, so that what is wrong is said of its field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetCreate {
    #[serde(rename = "type")]
    kind: TargetType,
    #[serde(default)]
    name: Option<Name>,
    #[serde(default)]
    flavor: Option<Name>,
    #[serde(default)]
    availability_zone: Option<Name>,
    #[serde(default)]
    key_name: Option<Name>,
    #[serde(default)]
    networks: Option<BTreeMap<String, Name>>,
    #[serde(default)]
    keep_addresses: Option<bool>,
    #[serde(default)]
    volume_types: Option<BTreeMap<String, Name>>,
    #[serde(default)]
    volume_type: Option<Name>,
    #[serde(default)]
    nova_disks: Option<NovaDisksWord>,
    #[serde(default)]
    device: Option<Name>,
    #[serde(default)]
    volume_id: Option<Uuid>,
}

/// A field of a target that is wrong, and why.
type Wrong = (&'static str, String);

impl TargetCreate {
    /// The target, or which field is wrong.
    pub(crate) fn target(self) -> Result<RestoreTarget, Wrong> {
        self.check()?;
        let text = |name: Option<Name>| name.map(|name| name.0);
        Ok(match self.kind {
            TargetType::File => {
                let name = self.name.ok_or_else(|| missing("name"))?;
                let name = FileName::new(name.0).map_err(|error| ("name", error.to_string()))?;
                RestoreTarget::File { name }
            }
            TargetType::NewInstance => RestoreTarget::NewInstance(NewInstance {
                name: text(self.name),
                flavor: text(self.flavor),
                availability_zone: text(self.availability_zone),
                key_name: text(self.key_name),
                networks: replacements("networks", self.networks)?,
                keep_addresses: self.keep_addresses.unwrap_or(true),
                volume_types: replacements("volume_types", self.volume_types)?,
                volume_type: text(self.volume_type),
                nova_disks: match self.nova_disks {
                    None | Some(NovaDisksWord::Volumes) => NovaDisks::Volumes,
                    Some(NovaDisksWord::Recreated) => NovaDisks::Recreated,
                },
            }),
            TargetType::Original => RestoreTarget::Original,
            TargetType::Volume => RestoreTarget::Volume(VolumeTarget {
                device: self.device.ok_or_else(|| missing("device"))?.0,
                volume_id: self.volume_id.map(|id| id.to_string()),
                name: text(self.name),
                volume_type: text(self.volume_type),
                availability_zone: text(self.availability_zone),
            }),
        })
    }

    /// Whether all that is said belongs to the kind of target.
    fn check(&self) -> Result<(), Wrong> {
        use TargetType::{File, NewInstance, Volume};
        let fields: [(&str, bool, &[TargetType]); 11] = [
            ("name", self.name.is_some(), &[File, NewInstance, Volume]),
            ("flavor", self.flavor.is_some(), &[NewInstance]),
            ("availability_zone", self.availability_zone.is_some(), &[NewInstance, Volume]),
            ("key_name", self.key_name.is_some(), &[NewInstance]),
            ("networks", self.networks.is_some(), &[NewInstance]),
            ("keep_addresses", self.keep_addresses.is_some(), &[NewInstance]),
            ("volume_types", self.volume_types.is_some(), &[NewInstance]),
            ("volume_type", self.volume_type.is_some(), &[NewInstance, Volume]),
            ("nova_disks", self.nova_disks.is_some(), &[NewInstance]),
            ("device", self.device.is_some(), &[Volume]),
            ("volume_id", self.volume_id.is_some(), &[Volume]),
        ];
        match fields.iter().find(|(_, said, kinds)| *said && !kinds.contains(&self.kind)) {
            Some((field, ..)) => {
                Err((field, "does not belong to a target of this type".to_owned()))
            }
            None => Ok(()),
        }
    }
}

fn missing(field: &'static str) -> Wrong {
    (field, "is missing".to_owned())
}

fn replacements(
    field: &'static str,
    names: Option<BTreeMap<String, Name>>,
) -> Result<BTreeMap<String, String>, Wrong> {
    let names = names.unwrap_or_default();
    match names.keys().find_map(|key| plain(key).err()) {
        Some(reason) => Err((field, reason)),
        None => Ok(names.into_iter().map(|(former, name)| (former, name.0)).collect()),
    }
}
