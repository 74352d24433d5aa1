use firn_core::{ErrorKind, InstanceId};
use firn_db::Scope;
use serde::Deserialize;
use serde_json::json;

use crate::http::{ApiError, Call, List, Listed};
use crate::wire::{InstanceQuery, InstanceSortKey, InstanceSummary, InstanceView};

#[derive(Deserialize)]
pub(super) struct Shown {
    instance: InstanceView,
}

#[derive(Deserialize)]
pub(super) struct Instances {
    instances: Vec<InstanceSummary>,
}

impl Call {
    /// A page of the instances that can be protected.
    pub(crate) async fn instance_list(
        &self,
        list: &List<InstanceQuery>,
    ) -> Result<Listed<InstanceSummary>, ApiError> {
        let asked = match self.list_scope(list)? {
            Scope::Project(project) => json!({ "project_id": project }),
            Scope::All => json!({ "project_id": null }),
        };
        let Instances { mut instances } = self.ask_conductor("instance.list", asked).await?;
        let InstanceQuery { name, power_state } = &list.filters;
        instances.retain(|instance| {
            name.as_ref().is_none_or(|name| name.0 == instance.name)
                && power_state.is_none_or(|state| state == instance.power_state)
        });
        let listed = self.page_of(
            list,
            instances,
            |instance| instance.id,
            |a, b, key| match key {
                InstanceSortKey::Name => a.name.cmp(&b.name),
                InstanceSortKey::PowerState => a.power_state.cmp(&b.power_state),
            },
        )?;
        Ok(listed.map(|instance| {
            let links = self.self_links(&format!("/v1/instances/{}", instance.id));
            InstanceSummary { links, ..instance }
        }))
    }

    /// One instance with its disks. Where they lie is for administrators.
    pub(crate) async fn instance_show(&self, id: InstanceId) -> Result<InstanceView, ApiError> {
        let mut instance = self.instance_find(id).await?;
        if !self.caller.is_admin {
            for disk in &mut instance.disks {
                disk.location = None;
            }
        }
        instance.links = self.self_links(&format!("/v1/instances/{id}"));
        Ok(instance)
    }

    /// An instance that the caller may know of.
    pub(super) async fn instance_find(&self, id: InstanceId) -> Result<InstanceView, ApiError> {
        // With the project, so that another's instance is not even looked at.
        let project = (!self.caller.is_admin).then_some(&self.caller.project_id);
        let asked = json!({ "instance_id": id, "project_id": project });
        let answer = self.ask_conductor("instance.show", asked).await;
        let Shown { instance } = answer.map_err(|error| match error.kind() {
            ErrorKind::NotFound => ApiError::not_found("instance", id),
            _ => error,
        })?;
        match self.caller.is_admin || instance.project_id == self.caller.project_id.0 {
            true => Ok(instance),
            false => Err(ApiError::not_found("instance", id)),
        }
    }
}
