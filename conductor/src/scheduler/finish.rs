//! Ends one run.

use firn_core::{ErrorKind, JobId};
use firn_db::{Lease, PlanRun, PointRequest, RunEnd, Scope};
use serde_json::json;

use super::decide::{decide_message, decide_removals};
use super::start::Hindrance;
use super::turn::Scheduler;

impl Scheduler {
    /// Ends a run whose jobs have all ended, and asks for the removal of what retention keeps no
    /// longer.
    pub(super) async fn finish(&self, lease: &Lease, run: PlanRun) -> Result<(), Hindrance> {
        let (lease, now) = (lease.clone(), self.clock.now());
        let work = move |conn: &mut _| {
            let tally = firn_db::plan_run_tally(conn, &run)?;
            let state = tally.state();
            if !state.finished() {
                return Ok(None);
            }
            let plan = match firn_db::plan_get(conn, &Scope::All, run.plan_id) {
                Ok(plan) => plan,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let points = firn_db::points_of_plan(conn, plan.plan.id, None)?;
            let remove: Vec<PointRequest> = decide_removals(&plan, &points)
                .into_iter()
                .map(|point_id| PointRequest {
                    job_id: JobId::new(),
                    point_id,
                    spec: json!({ "plan_id": run.plan_id }),
                    request_id: run.request_id.clone(),
                })
                .collect();
            let message = decide_message(&tally);
            let end = RunEnd { run, state, message, remove };
            let removed = firn_db::plan_run_finish(conn, &lease, &end, now)?;
            Ok(removed.map(|removed| (end, removed)))
        };
        let ended = self.database.run(work).await.map_err(Hindrance::database)?;
        let Some((end, removed)) = ended else { return Ok(()) };
        tracing::info!(
            plan = %end.run.plan_id, run = %end.run.id, state = ?end.state, removed, "plan run ended"
        );
        for request in end.remove {
            self.waker.wake(request.job_id, &request.request_id).await;
        }
        Ok(())
    }
}
