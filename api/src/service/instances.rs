use std::cmp::Ordering;

use firn_core::{ErrorKind, InstanceId};
use serde::Deserialize;
use serde_json::json;

use crate::http::{ApiError, Call, Listed, SortDir, page_limit};
use crate::wire::{InstanceQuery, InstanceSortKey, InstanceSummary, InstanceView};

#[derive(Deserialize)]
struct Shown {
    instance: InstanceView,
}

#[derive(Deserialize)]
struct Instances {
    instances: Vec<InstanceSummary>,
}

impl Call {
    /// A page of the instances that can be protected.
    pub(crate) async fn instance_list(
        &self,
        query: InstanceQuery,
    ) -> Result<Listed<InstanceSummary>, ApiError> {
        let limit = page_limit(query.limit, self.max_limit())?.saturating_add(1);
        let project = json!({ "project_id": self.caller.project_id });
        let Instances { mut instances } = self.ask_conductor("instance.list", project).await?;
        sort(&mut instances, query.sort_key, query.sort_dir);
        if let Some(marker) = query.marker {
            let at = instances.iter().position(|instance| instance.id == marker);
            let at = at.ok_or_else(|| ApiError::field("marker", "names no instance"))?;
            instances.drain(..=at);
        }
        instances.truncate(limit as usize);
        Ok(Listed::new(self, instances, limit, |instance| instance.id.to_string()))
    }

    /// One instance with its disks. Where they lie is for administrators.
    pub(crate) async fn instance_show(&self, id: InstanceId) -> Result<InstanceView, ApiError> {
        let mut instance = self.instance_find(id).await?;
        if !self.caller.is_admin {
            for disk in &mut instance.disks {
                disk.location = None;
            }
        }
        Ok(instance)
    }

    /// An instance that the caller may know of.
    pub(super) async fn instance_find(&self, id: InstanceId) -> Result<InstanceView, ApiError> {
        let asked = json!({ "instance_id": id });
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

fn sort(
    instances: &mut [InstanceSummary],
    key: Option<InstanceSortKey>,
    direction: Option<SortDir>,
) {
    let by = |a: &InstanceSummary, b: &InstanceSummary| -> Ordering {
        let first = match key.unwrap_or(InstanceSortKey::Name) {
            InstanceSortKey::Name => a.name.cmp(&b.name),
            InstanceSortKey::PowerState => a.power_state.cmp(&b.power_state),
        };
        first.then(a.id.cmp(&b.id))
    };
    match direction.unwrap_or(SortDir::Asc) {
        SortDir::Asc => instances.sort_by(by),
        SortDir::Desc => instances.sort_by(|a, b| by(b, a)),
    }
}
