use firn_core::JobId;

use super::now;
use crate::http::{ApiError, Call, Listed, page, page_limit};
use crate::wire::{EventQuery, EventView, JobQuery, JobSummary, JobView};

impl Call {
    /// A page of jobs.
    pub(crate) async fn job_list(&self, query: JobQuery) -> Result<Listed<JobSummary>, ApiError> {
        if query.restore_point_id.is_some() && query.restore_id.is_some() {
            return Err(ApiError::field("restore_id", "cannot go with restore_point_id"));
        }
        let sort = query.sort_key.map(Into::into).unwrap_or_default();
        let page = page(self, query.limit, query.marker(), sort, query.sort_dir)?;
        let (scope, filter, limit) = (self.scope(), query.filter(), page.limit);
        let jobs = self.query(move |conn| firn_db::job_list(conn, &scope, &filter, &page)).await?;
        let listed = Listed::new(self, jobs, limit, |job| job.id.to_string());
        Ok(listed.map(JobSummary::from))
    }

    /// One job with its steps.
    pub(crate) async fn job_show(&self, id: JobId) -> Result<JobView, ApiError> {
        let scope = self.scope();
        self.query(move |conn| {
            let job = firn_db::job_get(conn, &scope, id)?;
            Ok(JobView::new(job, firn_db::job_step_list(conn, id)?))
        })
        .await
    }

    /// What a job told its user.
    pub(crate) async fn job_events(
        &self,
        id: JobId,
        query: EventQuery,
    ) -> Result<Listed<EventView>, ApiError> {
        let limit = page_limit(query.limit, self.max_limit())?.saturating_add(1);
        let scope = self.scope();
        let events = self
            .query(move |conn| {
                firn_db::job_get(conn, &scope, id)?;
                firn_db::job_event_list(conn, id, query.marker, limit)
            })
            .await?;
        let listed = Listed::new(self, events, limit, |event| event.id.to_string());
        Ok(listed.map(EventView::from))
    }

    /// Asks to stop a job and to undo what it did.
    pub(crate) async fn job_cancel(&self, id: JobId) -> Result<JobView, ApiError> {
        let scope = self.scope();
        let view = self
            .query(move |conn| {
                let job = firn_db::job_request_cancel(conn, &scope, id, now())?;
                Ok(JobView::new(job, firn_db::job_step_list(conn, id)?))
            })
            .await?;
        Ok(view)
    }
}
