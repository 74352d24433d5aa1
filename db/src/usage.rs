//! What projects have: sums over columns that an index holds.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use firn_core::ProjectId;

use crate::job::unfinished_names;
use crate::schema::{jobs, restore_points};
use crate::{Connection, DbError, Engine};

/// What one project has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectUsage {
    /// Instances with at least one restore point.
    pub instances: u64,
    /// Restore points in any state.
    pub restore_points: u64,
    /// Sum of the sizes of all disks of all points: what the instances' users would see.
    pub virtual_bytes: u64,
    /// Plain bytes that the points brought and the repositories did not hold before.
    pub unique_bytes: u64,
    /// What these take there, compressed. A chunk that another point still needs stays when the
    /// point that brought it is deleted, and counts for nobody then.
    pub stored_bytes: u64,
    /// Jobs that have not ended.
    pub concurrent_jobs: u64,
}

/// A sum as a signed 64-bit number: the databases' own type of a sum differs.
fn sum(engine: Engine, column: &str) -> SqlLiteral<BigInt> {
    let kind = match engine {
        Engine::Mysql => "SIGNED",
        Engine::Sqlite | Engine::Postgresql => "BIGINT",
    };
    sql(&format!("CAST(COALESCE(SUM({column}), 0) AS {kind})"))
}

fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

type Sums = (i64, i64, i64, i64, i64);

/// What a project has now.
pub fn usage_get(conn: &mut Connection, project: &ProjectId) -> Result<ProjectUsage, DbError> {
    let engine = Engine::of(conn);
    let sums: Sums = restore_points::table
        .filter(restore_points::project_id.eq(project.0.clone()))
        .select((
            sql::<BigInt>("COUNT(DISTINCT instance_id)"),
            sql::<BigInt>("COUNT(*)"),
            sum(engine, "virtual_bytes"),
            sum(engine, "new_bytes"),
            sum(engine, "stored_bytes"),
        ))
        .first(conn)?;
    let jobs: i64 = jobs::table
        .filter(jobs::project_id.eq(project.0.clone()))
        .filter(jobs::state.eq_any(unfinished_names()))
        .count()
        .get_result(conn)?;
    Ok(usage(sums, jobs))
}

fn usage((instances, points, virtual_bytes, unique, stored): Sums, jobs: i64) -> ProjectUsage {
    ProjectUsage {
        instances: number(instances),
        restore_points: number(points),
        virtual_bytes: number(virtual_bytes),
        unique_bytes: number(unique),
        stored_bytes: number(stored),
        concurrent_jobs: number(jobs),
    }
}

/// What each project has that has anything, by project id; at most `limit` after `marker`.
pub fn usage_list(
    conn: &mut Connection,
    marker: Option<&ProjectId>,
    limit: u32,
) -> Result<Vec<(ProjectId, ProjectUsage)>, DbError> {
    use std::collections::BTreeMap;
    let engine = Engine::of(conn);
    let after = marker.map_or_else(String::new, |project| project.0.clone());
    let points: Vec<(String, i64, i64, i64, i64, i64)> = restore_points::table
        .filter(restore_points::project_id.gt(after.clone()))
        .group_by(restore_points::project_id)
        .select((
            restore_points::project_id,
            sql::<BigInt>("COUNT(DISTINCT instance_id)"),
            sql::<BigInt>("COUNT(*)"),
            sum(engine, "virtual_bytes"),
            sum(engine, "new_bytes"),
            sum(engine, "stored_bytes"),
        ))
        .order(restore_points::project_id.asc())
        .limit(limit.into())
        .load(conn)?;
    let jobs: Vec<(String, i64)> = jobs::table
        .filter(jobs::project_id.gt(after))
        .filter(jobs::state.eq_any(unfinished_names()))
        .group_by(jobs::project_id)
        .select((jobs::project_id, sql::<BigInt>("COUNT(*)")))
        .order(jobs::project_id.asc())
        .limit(limit.into())
        .load(conn)?;
    // Both are in the database's order, which need not be ours.
    let mut all: BTreeMap<String, (Sums, i64)> = points
        .into_iter()
        .map(|(project, a, b, c, d, e)| (project, ((a, b, c, d, e), 0)))
        .collect();
    for (project, count) in jobs {
        all.entry(project).or_default().1 = count;
    }
    let rows =
        all.into_iter().map(|(project, (sums, jobs))| (ProjectId(project), usage(sums, jobs)));
    Ok(rows.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
}
