use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::RepositoryId;

use crate::page::keyset;
use crate::schema::repositories;
use crate::stored::{Name, Number, OptionalNumber, Text, Time};
use crate::{Connection, DbError, Page, microseconds, transaction};

const RESOURCE: &str = "repository";

/// Whether a repository can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepositoryStatus {
    /// The last look at it succeeded.
    Available,
    /// The last look at it failed.
    Unavailable,
}

/// A place that restore points are stored in.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = repositories)]
pub struct Repository {
    /// Its id.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub id: RepositoryId,
    /// Unique name.
    pub name: String,
    /// Where it lies, without secrets: `file:///var/lib/firn/repository`.
    pub url: String,
    /// Size of its chunks.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub chunk_bytes: u64,
    /// Whether it could be reached at the last report.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub status: RepositoryStatus,
    /// For people: why it cannot be reached.
    pub status_reason: Option<String>,
    /// Size of its storage as last reported; `None` where nobody can tell.
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    pub capacity_bytes: Option<u64>,
    /// Free space of its storage as last reported.
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    pub free_bytes: Option<u64>,
    /// What it occupies, as last reported.
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    pub stored_bytes: Option<u64>,
    /// Sum of the sizes of all disks of all its points, as last reported.
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    pub virtual_bytes: Option<u64>,
    /// When the row was made.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub created_at: DateTime<Utc>,
    /// When the row was last written.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub updated_at: DateTime<Utc>,
}

/// What a new repository is made from.
#[derive(Clone, Debug)]
pub struct NewRepository {
    /// Its id, chosen by the caller.
    pub id: RepositoryId,
    /// Unique name.
    pub name: String,
    /// Where it lies, without secrets.
    pub url: String,
    /// Size of its chunks.
    pub chunk_bytes: u64,
}

/// What a look at a repository found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryUsage {
    /// Size of its storage; `None` where nobody can tell.
    pub capacity_bytes: Option<u64>,
    /// Free space of its storage.
    pub free_bytes: Option<u64>,
    /// What it occupies.
    pub stored_bytes: Option<u64>,
    /// Sum of the sizes of all disks of all its points.
    pub virtual_bytes: Option<u64>,
}

/// What a list of repositories can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RepositorySort {
    /// When it was made.
    #[default]
    CreatedAt,
    /// Its name.
    Name,
}

/// Makes a repository. A name in use is a `Conflict`.
pub fn repository_create(
    conn: &mut Connection,
    new: NewRepository,
    now: DateTime<Utc>,
) -> Result<Repository, DbError> {
    let now = microseconds(now);
    let repository = Repository {
        id: new.id,
        name: new.name,
        url: new.url,
        chunk_bytes: new.chunk_bytes,
        status: RepositoryStatus::Available,
        status_reason: None,
        capacity_bytes: None,
        free_bytes: None,
        stored_bytes: None,
        virtual_bytes: None,
        created_at: now,
        updated_at: now,
    };
    transaction(conn, |conn| {
        diesel::insert_into(repositories::table).values(repository.clone()).execute(conn)?;
        Ok(repository.clone())
    })
}

/// One repository by its id.
pub fn repository_get(conn: &mut Connection, id: RepositoryId) -> Result<Repository, DbError> {
    repositories::table
        .find(id.to_string())
        .select(Repository::as_select())
        .first(conn)
        .optional()?
        .ok_or_else(|| DbError::not_found(RESOURCE, id))
}

/// One repository by its name; `None` where there is none.
pub fn repository_find(conn: &mut Connection, name: &str) -> Result<Option<Repository>, DbError> {
    Ok(repositories::table
        .filter(repositories::name.eq(name.to_owned()))
        .select(Repository::as_select())
        .first(conn)
        .optional()?)
}

/// A page of repositories.
pub fn repository_list(
    conn: &mut Connection,
    page: &Page<RepositoryId, RepositorySort>,
) -> Result<Vec<Repository>, DbError> {
    let marker = match page.marker {
        Some(id) => Some(
            repository_get(conn, id)
                .map_err(|error| error.unknown_marker(id))
                .map(|row| (row, id.to_string()))?,
        ),
        None => None,
    };
    let query = repositories::table.select(Repository::as_select()).into_boxed();
    let query = match page.sort {
        RepositorySort::CreatedAt => keyset!(
            query,
            page.direction,
            repositories::created_at,
            repositories::id,
            marker.map(|(row, id)| (Time::from(row.created_at), id))
        ),
        RepositorySort::Name => keyset!(
            query,
            page.direction,
            repositories::name,
            repositories::id,
            marker.map(|(row, id)| (row.name, id))
        ),
    };
    Ok(query.limit(page.limit.into()).load(conn)?)
}

/// Keeps what a look at the repository found, and that it can be reached.
pub fn repository_report_usage(
    conn: &mut Connection,
    id: RepositoryId,
    usage: &RepositoryUsage,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    use repositories as r;
    transaction(conn, |conn| {
        let changed = diesel::update(r::table.find(id.to_string()))
            .set((
                r::status.eq(RepositoryStatus::Available.name()),
                r::status_reason.eq(None::<String>),
                r::capacity_bytes.eq(OptionalNumber::from(usage.capacity_bytes)),
                r::free_bytes.eq(OptionalNumber::from(usage.free_bytes)),
                r::stored_bytes.eq(OptionalNumber::from(usage.stored_bytes)),
                r::virtual_bytes.eq(OptionalNumber::from(usage.virtual_bytes)),
                r::updated_at.eq(Time::from(now)),
            ))
            .execute(conn)?;
        found(changed, id)
    })
}

/// Keeps that the repository could not be reached, and why; the figures stay.
pub fn repository_report_unavailable(
    conn: &mut Connection,
    id: RepositoryId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    use repositories as r;
    transaction(conn, |conn| {
        let changed = diesel::update(r::table.find(id.to_string()))
            .set((
                r::status.eq(RepositoryStatus::Unavailable.name()),
                r::status_reason.eq(Some(reason.to_owned())),
                r::updated_at.eq(Time::from(now)),
            ))
            .execute(conn)?;
        found(changed, id)
    })
}

fn found(changed: usize, id: RepositoryId) -> Result<(), DbError> {
    if changed == 0 { Err(DbError::not_found(RESOURCE, id)) } else { Ok(()) }
}
