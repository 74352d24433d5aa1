//! How many rows of each sort there are: for metrics.

use diesel::dsl::count_star;
use diesel::prelude::*;
use firn_core::{JobKind, JobState, PointState, RepositoryId};

use crate::schema::{jobs, restore_points};
use crate::stored::{Stored, StoredValueError, Text};
use crate::{Connection, DbError};

/// The number of jobs of each kind in each state; pairs without any are left out.
pub fn job_counts(conn: &mut Connection) -> Result<Vec<(JobKind, JobState, u64)>, DbError> {
    let rows: Vec<(String, String, i64)> = jobs::table
        .group_by((jobs::kind, jobs::state))
        .select((jobs::kind, jobs::state, count_star()))
        .load(conn)?;
    rows.into_iter()
        .map(|(kind, state, count)| Ok((domain(kind)?, domain(state)?, count.unsigned_abs())))
        .collect()
}

/// The number of restore points in each state; states without any are left out.
pub fn point_counts(conn: &mut Connection) -> Result<Vec<(PointState, u64)>, DbError> {
    let rows: Vec<(String, i64)> = restore_points::table
        .group_by(restore_points::state)
        .select((restore_points::state, count_star()))
        .load(conn)?;
    rows.into_iter().map(|(state, count)| Ok((domain(state)?, count.unsigned_abs()))).collect()
}

/// Of every filled restore point: its repository, its new bytes and its stored bytes.
///
/// The sums are the caller's: the databases do not agree on the type of a sum.
pub fn point_sizes(conn: &mut Connection) -> Result<Vec<(RepositoryId, u64, u64)>, DbError> {
    use restore_points as p;
    let rows: Vec<(String, Option<i64>, Option<i64>)> = p::table
        .filter(p::new_bytes.is_not_null())
        .select((p::repository_id, p::new_bytes, p::stored_bytes))
        .load(conn)?;
    rows.into_iter()
        .map(|(repository, new, stored)| {
            let bytes = |bytes: Option<i64>| bytes.unwrap_or_default().unsigned_abs();
            Ok((domain(repository)?, bytes(new), bytes(stored)))
        })
        .collect()
}

fn domain<T: TryFrom<Text, Error = StoredValueError>>(text: String) -> Result<T, DbError> {
    Stored(text).try_into().map_err(|source| DbError::Query {
        source: diesel::result::Error::DeserializationError(Box::new(source)),
    })
}
