//! Our own services and their heartbeats.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::schema::services;
use crate::stored::{Name, Text, Time};
use crate::{Connection, DbError, microseconds, transaction};

const RESOURCE: &str = "service";

/// Which of our services one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// The REST service.
    Api,
    /// Runs jobs.
    Conductor,
    /// On hypervisors.
    Agent,
}

/// Whether a service lives, judged by its last heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceState {
    /// It spoke lately.
    Up,
    /// It has been silent for too long.
    Down,
}

/// One service on one host.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = services)]
pub struct Service {
    /// Its id.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub id: Uuid,
    /// What it is.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub kind: ServiceKind,
    /// Where it runs; unique with `kind`.
    pub host: String,
    /// Its version.
    pub version: String,
    /// When it started.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub started_at: DateTime<Utc>,
    /// When it last said that it lives.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub heartbeat_at: DateTime<Utc>,
    /// An operator wants it to take no new work.
    pub disabled: bool,
    /// Why.
    pub disabled_reason: Option<String>,
}

impl Service {
    /// Its state at `now`, if silence of `down_after` means down.
    pub fn state(&self, now: DateTime<Utc>, down_after: TimeDelta) -> ServiceState {
        if now - self.heartbeat_at <= down_after { ServiceState::Up } else { ServiceState::Down }
    }
}

/// What a service says of itself.
#[derive(Clone, Debug)]
pub struct ServiceReport {
    /// What it is.
    pub kind: ServiceKind,
    /// Where it runs.
    pub host: String,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
}

/// Keeps that the service lives; its first report makes its row, under `new_id`. The answer says
/// whether an operator disabled it.
pub fn service_heartbeat(
    conn: &mut Connection,
    report: &ServiceReport,
    new_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Service, DbError> {
    transaction(conn, |conn| {
        let changed = diesel::update(
            services::table
                .filter(services::kind.eq(report.kind.name()))
                .filter(services::host.eq(report.host.clone())),
        )
        .set((
            services::version.eq(report.version.clone()),
            services::started_at.eq(Time::from(report.started_at)),
            services::heartbeat_at.eq(Time::from(now)),
        ))
        .execute(conn)?;
        if changed == 0 {
            let service = Service {
                id: new_id,
                kind: report.kind,
                host: report.host.clone(),
                version: report.version.clone(),
                started_at: microseconds(report.started_at),
                heartbeat_at: microseconds(now),
                disabled: false,
                disabled_reason: None,
            };
            diesel::insert_into(services::table)
                .values(service)
                .execute(conn)
                .map_err(|error| DbError::from(error).raced())?;
        }
        Ok(services::table
            .filter(services::kind.eq(report.kind.name()))
            .filter(services::host.eq(report.host.clone()))
            .select(Service::as_select())
            .first(conn)?)
    })
}

/// Tells a service to take no new work, with the reason, or with `None` to take work again.
pub fn service_disable(
    conn: &mut Connection,
    id: Uuid,
    reason: Option<&str>,
) -> Result<(), DbError> {
    transaction(conn, |conn| {
        let changed = diesel::update(services::table.find(id.to_string()))
            .set((
                services::disabled.eq(reason.is_some()),
                services::disabled_reason.eq(reason.map(str::to_owned)),
            ))
            .execute(conn)?;
        if changed == 0 { Err(DbError::not_found(RESOURCE, id)) } else { Ok(()) }
    })
}

/// One service.
pub fn service_get(conn: &mut Connection, id: Uuid) -> Result<Service, DbError> {
    services::table
        .find(id.to_string())
        .select(Service::as_select())
        .first(conn)
        .optional()?
        .ok_or_else(|| DbError::not_found(RESOURCE, id))
}

/// The service of a kind on a host; `None` where none ever spoke.
pub fn service_find(
    conn: &mut Connection,
    kind: ServiceKind,
    host: &str,
) -> Result<Option<Service>, DbError> {
    Ok(services::table
        .filter(services::kind.eq(kind.name()))
        .filter(services::host.eq(host.to_owned()))
        .select(Service::as_select())
        .first(conn)
        .optional()?)
}

/// Forgets a service that was taken away; should it speak again, it is there again. An absent one
/// is fine.
pub fn service_delete(conn: &mut Connection, id: Uuid) -> Result<(), DbError> {
    transaction(conn, |conn| {
        diesel::delete(services::table.find(id.to_string())).execute(conn)?;
        Ok(())
    })
}

/// The services of one kind, by host: all agents, say. Whether each is up says [`Service::state`].
pub fn service_list_of(conn: &mut Connection, kind: ServiceKind) -> Result<Vec<Service>, DbError> {
    Ok(services::table
        .filter(services::kind.eq(kind.name()))
        .order((services::host.asc(), services::id.asc()))
        .select(Service::as_select())
        .load(conn)?)
}

/// All services, by kind and host.
pub fn service_list(conn: &mut Connection) -> Result<Vec<Service>, DbError> {
    Ok(services::table
        .order((services::kind.asc(), services::host.asc()))
        .select(Service::as_select())
        .load(conn)?)
}
