use firn_core::{JobId, JobState};

use super::now;
use crate::http::{ApiError, Call, List, Listed, Pieces, WrittenPage};
use crate::wire::{EventQuery, EventView, JobQuery, JobSummary, JobView};

impl Call {
    /// A page of jobs.
    pub(crate) async fn job_list(self, list: List<JobQuery>) -> Result<Pieces, ApiError> {
        let narrow = &list.filters;
        if narrow.restore_point_id.is_some() && narrow.restore_id.is_some() {
            return Err(ApiError::field("restore_id", "cannot go with restore_point_id"));
        }
        let page = self.page(&list, JobId)?;
        let (scope, filter) = (self.list_scope(&list)?, narrow.filter());
        let written = WrittenPage::new("jobs", list.fields, page.limit);
        self.written_page(written, move |call, conn, written| {
            for job in firn_db::job_list(conn, &scope, &filter, &page)? {
                written.row(job.id.0, || {
                    let links = call.self_links(&format!("/v1/jobs/{}", job.id));
                    JobSummary { links, ..job.into() }
                });
            }
            Ok(())
        })
        .await
    }

    /// One job with its steps.
    pub(crate) async fn job_show(&self, id: JobId) -> Result<JobView, ApiError> {
        let scope = self.scope();
        let view = self
            .query(move |conn| {
                let job = firn_db::job_get(conn, &scope, id)?;
                Ok(JobView::new(job, firn_db::job_step_list(conn, id)?))
            })
            .await?;
        Ok(self.linked_job(view))
    }

    /// What a job told its user.
    pub(crate) async fn job_events(
        &self,
        id: JobId,
        query: EventQuery,
    ) -> Result<Listed<EventView>, ApiError> {
        if query.limit == Some(0) {
            return Err(ApiError::field("limit", "must be at least 1"));
        }
        let limit = self.read_limit(query.limit);
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
        let (job, steps) = self
            .query(move |conn| {
                let job = firn_db::job_request_cancel(conn, &scope, id, now())?;
                Ok((job, firn_db::job_step_list(conn, id)?))
            })
            .await?;
        if job.state == JobState::Cancelled {
            // No conductor had it yet, so none will end what the request made.
            self.end_trust(job.spec["grant"]["trust_id"].as_str()).await;
        }
        Ok(self.linked_job(JobView::new(job, steps)))
    }

    fn linked_job(&self, mut view: JobView) -> JobView {
        view.job.links = self.self_links(&format!("/v1/jobs/{}", view.job.id));
        view
    }
}
