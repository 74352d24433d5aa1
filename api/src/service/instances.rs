use firn_core::{ErrorKind, InstanceId, ProjectId};
use firn_db::Scope;
use serde::Deserialize;
use serde_json::json;

use crate::http::{ApiError, Call, List, Listed};
use crate::policy::SHOW_LOCATION;
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
        let mut instances = match self.list_scope(list)? {
            Scope::Project(project) => self.instances_of(Some(&project)).await?,
            Scope::All => self.instances_of(None).await?,
        };
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

    /// The instances of one project, or of all.
    pub(super) async fn instances_of(
        &self,
        project: Option<&ProjectId>,
    ) -> Result<Vec<InstanceSummary>, ApiError> {
        let asked = json!({ "project_id": project });
        let Instances { mut instances } = self.ask_conductor("instance.list", asked).await?;
        // Whatever a conductor answers, another project's instances are not shown.
        instances.retain(|instance| project.is_none_or(|project| project.0 == instance.project_id));
        Ok(instances)
    }

    /// One instance with its disks. Where they lie is for administrators.
    pub(crate) async fn instance_show(&self, id: InstanceId) -> Result<InstanceView, ApiError> {
        let mut instance = self.instance_find(id).await?;
        if !self.also(SHOW_LOCATION) {
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
        let project = match self.scope() {
            Scope::All => None,
            Scope::Project(project) => Some(project),
        };
        let asked = json!({ "instance_id": id, "project_id": project });
        let answer = self.ask_conductor("instance.show", asked).await;
        let Shown { instance } = answer.map_err(|error| match error.kind() {
            ErrorKind::NotFound => ApiError::not_found("instance", id),
            _ => error,
        })?;
        match self.sees(&instance.project_id) {
            true => Ok(instance),
            false => Err(ApiError::not_found("instance", id)),
        }
    }
}
