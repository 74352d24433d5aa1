//! Plans and their runs.
//!
//! Rules that make a run happen once, whoever schedules:
//! - a run is a row, unique by (plan, scheduled time), and appears in one transaction with its
//!   points and jobs and with the plan's next time;
//! - that transaction holds the scheduler's lease, so that one who lost it can start nothing;
//! - every write to a plan counts its revision, and is made to the revision that was read.

mod change;
mod list;
mod points;
mod row;
mod run;
mod run_event;
mod run_finish;
mod run_start;

pub use change::{NewPlan, plan_create, plan_delete, plan_set_trust, plan_transition, plan_update};
pub use list::{PlanFilter, PlanSort, plan_due, plan_list};
pub use points::{point_pin, points_of_plan};
pub use row::{PlanRow, plan_get};
pub use run::{
    PlanRun, plan_run_get, plan_run_list, plan_run_request, plan_runs_requested, plan_runs_running,
};
pub use run_event::{PlanRunEvent, plan_run_event_list};
pub use run_finish::{RunEnd, plan_run_finish, plan_run_tally};
pub(crate) use run_start::PointOrigin;
pub use run_start::{PlannedBackup, RunNote, RunOrigin, RunOutcome, RunStart, plan_run_start};

const RESOURCE: &str = "plan";
