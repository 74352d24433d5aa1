//! How domain values lie in columns: ids, enums and JSON as text, sizes as signed integers,
//! times as UTC with microseconds.

use std::collections::BTreeSet;

use chrono::{DateTime, DurationRound, NaiveDateTime, TimeDelta, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromStaticSqlRow, Queryable};
use diesel::expression::{AsExpression, TypedExpressionType};
use diesel::sql_types::SqlType;
use firn_core::plan::{PlanStatus, Retention, RunState, RunTrigger, Schedule, Selector};
use firn_core::{
    BackupMode, Consistency, DiskId, DiskKind, ErrorKind, InstanceId, JobId, JobKind, JobState,
    PlanId, PlanRunId, PointId, PointState, ProjectId, RepositoryId, RestoreId, RestoreState,
    RestoreTarget, StepState,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{EventLevel, QuotaResource, RepositoryStatus, ServiceKind};

/// A column's plain value, on its way to or from a domain type.
#[derive(Clone, Debug)]
pub struct Stored<S>(pub(crate) S);

pub(crate) type Text = Stored<String>;
pub(crate) type OptionalText = Stored<Option<String>>;
pub(crate) type Number = Stored<i64>;
pub(crate) type OptionalNumber = Stored<Option<i64>>;
pub(crate) type Time = Stored<NaiveDateTime>;
pub(crate) type OptionalTime = Stored<Option<NaiveDateTime>>;

impl<S, ST, DB> Queryable<ST, DB> for Stored<S>
where
    DB: Backend,
    S: FromStaticSqlRow<ST, DB>,
{
    type Row = S;
    fn build(row: S) -> deserialize::Result<Self> {
        Ok(Self(row))
    }
}

impl<S, ST> AsExpression<ST> for Stored<S>
where
    S: AsExpression<ST>,
    ST: SqlType + TypedExpressionType,
{
    type Expression = S::Expression;
    fn as_expression(self) -> Self::Expression {
        self.0.as_expression()
    }
}

/// A column holds what no version of ours writes there.
#[derive(Debug, thiserror::Error)]
#[error("the database holds {value:?} where {expected} was expected")]
pub struct StoredValueError {
    /// What lies there.
    pub value: String,
    /// The type that it should have.
    pub expected: &'static str,
}

/// A domain enum's text. Total, so that a new variant does not compile without one.
pub(crate) trait Name: Copy {
    fn name(self) -> &'static str;
}

/// Declares a type whose value is stored as text.
macro_rules! stored_text {
    ($type:ty, $encode:expr, $decode:expr) => {
        impl From<$type> for Text {
            fn from(value: $type) -> Self {
                let encode: fn($type) -> String = $encode;
                Stored(encode(value))
            }
        }
        impl From<Option<$type>> for OptionalText {
            fn from(value: Option<$type>) -> Self {
                Stored(value.map(|value| Text::from(value).0))
            }
        }
        impl TryFrom<Text> for $type {
            type Error = StoredValueError;
            fn try_from(text: Text) -> Result<Self, StoredValueError> {
                let decode: fn(&str) -> Option<$type> = $decode;
                decode(&text.0)
                    .ok_or(StoredValueError { value: text.0, expected: stringify!($type) })
            }
        }
        impl TryFrom<OptionalText> for Option<$type> {
            type Error = StoredValueError;
            fn try_from(text: OptionalText) -> Result<Self, StoredValueError> {
                text.0.map(|text| Stored(text).try_into()).transpose()
            }
        }
    };
}

/// Declares a type whose value is stored as its JSON form.
macro_rules! stored_json {
    ($type:ty) => {
        stored_text!(
            $type,
            // Our own types always have a JSON form; `null` would fail to read back, loudly.
            |value| serde_json::to_value(value).unwrap_or_default().to_string(),
            |text| serde_json::from_str(text).ok()
        );
    };
}

macro_rules! stored_enum {
    ($type:ty { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl Name for $type {
            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
        stored_text!($type, |value| value.name().to_owned(), |text| match text {
            $($name => Some(<$type>::$variant),)+
            _ => None,
        });
    };
}

stored_text!(PointId, |id| id.to_string(), |text| text.parse().ok());
stored_text!(DiskId, |id| id.to_string(), |text| text.parse().ok());
stored_text!(RestoreId, |id| id.to_string(), |text| text.parse().ok());
stored_text!(PlanId, |id| id.to_string(), |text| text.parse().ok());
stored_text!(PlanRunId, |id| id.to_string(), |text| text.parse().ok());
stored_text!(JobId, |id| id.to_string(), |text| text.parse().ok());
stored_text!(RepositoryId, |id| id.to_string(), |text| text.parse().ok());
stored_text!(InstanceId, |id| id.to_string(), |text| text.parse().ok());
stored_text!(Uuid, |id| id.to_string(), |text| text.parse().ok());
stored_text!(ProjectId, |id| id.0, |text| Some(ProjectId(text.to_owned())));
stored_text!(Value, |json| json.to_string(), |text| serde_json::from_str(text).ok());
stored_json!(RestoreTarget);

stored_json!(Selector);
stored_json!(Schedule);
stored_json!(Retention);
stored_json!(BTreeSet<String>);

stored_enum!(JobKind {
    CreatePoint => "create_point",
    DeletePoint => "delete_point",
    VerifyPoint => "verify_point",
    Restore => "restore",
});
stored_enum!(JobState {
    Queued => "queued",
    Running => "running",
    Cancelling => "cancelling",
    Unwinding => "unwinding",
    Succeeded => "succeeded",
    Failed => "failed",
    Cancelled => "cancelled",
});
stored_enum!(StepState { Started => "started", Done => "done", Undone => "undone" });
stored_enum!(PointState {
    Creating => "creating",
    Available => "available",
    Error => "error",
    Deleting => "deleting",
});
stored_enum!(BackupMode { Full => "full", Incremental => "incremental" });
stored_enum!(Consistency {
    Crash => "crash",
    Filesystem => "filesystem",
    Application => "application",
});
stored_enum!(DiskKind {
    Root => "root",
    Ephemeral => "ephemeral",
    Volume => "volume",
    Swap => "swap",
    ConfigDrive => "config_drive",
});
stored_enum!(RestoreState {
    Restoring => "restoring",
    Available => "available",
    Error => "error",
});
stored_enum!(ErrorKind {
    NotFound => "not_found",
    Conflict => "conflict",
    InvalidInput => "invalid_input",
    Forbidden => "forbidden",
    QuotaExceeded => "quota_exceeded",
    Unsupported => "unsupported",
    Unavailable => "unavailable",
    Integrity => "integrity",
    Internal => "internal",
});
stored_enum!(PlanStatus { Active => "active", Paused => "paused", Error => "error" });
stored_enum!(RunState {
    Requested => "requested",
    Running => "running",
    Succeeded => "succeeded",
    Partial => "partial",
    Failed => "failed",
    Skipped => "skipped",
});
stored_enum!(RunTrigger { Schedule => "schedule", Manual => "manual" });
stored_enum!(EventLevel { Info => "info", Warning => "warning", Error => "error" });
stored_enum!(RepositoryStatus { Available => "available", Unavailable => "unavailable" });
stored_enum!(QuotaResource {
    Instances => "instances",
    RestorePoints => "restore_points",
    StoredBytes => "stored_bytes",
    ConcurrentJobs => "concurrent_jobs",
});
stored_enum!(ServiceKind { Api => "api", Conductor => "conductor", Agent => "agent" });

macro_rules! stored_number {
    ($type:ty) => {
        impl From<$type> for Number {
            /// What passes `i64::MAX` (8 EiB) is kept as `i64::MAX`.
            fn from(value: $type) -> Self {
                Stored(i64::try_from(value).unwrap_or(i64::MAX))
            }
        }
        impl From<Option<$type>> for OptionalNumber {
            fn from(value: Option<$type>) -> Self {
                Stored(value.map(|value| Number::from(value).0))
            }
        }
        impl TryFrom<Number> for $type {
            type Error = StoredValueError;
            fn try_from(number: Number) -> Result<Self, StoredValueError> {
                number.0.try_into().map_err(|_| StoredValueError {
                    value: number.0.to_string(),
                    expected: stringify!($type),
                })
            }
        }
        impl TryFrom<OptionalNumber> for Option<$type> {
            type Error = StoredValueError;
            fn try_from(number: OptionalNumber) -> Result<Self, StoredValueError> {
                number.0.map(|number| Stored(number).try_into()).transpose()
            }
        }
    };
}

stored_number!(u64);
stored_number!(u32);

/// A time as the database keeps it: whole microseconds.
pub(crate) fn microseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    // Fails only for times some 290,000 years away.
    time.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(time)
}

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Stored(microseconds(time).naive_utc())
    }
}

impl From<Option<DateTime<Utc>>> for OptionalTime {
    fn from(time: Option<DateTime<Utc>>) -> Self {
        Stored(time.map(|time| Time::from(time).0))
    }
}

impl From<Time> for DateTime<Utc> {
    fn from(time: Time) -> Self {
        time.0.and_utc()
    }
}

impl From<OptionalTime> for Option<DateTime<Utc>> {
    fn from(time: OptionalTime) -> Self {
        time.0.map(|time| time.and_utc())
    }
}
