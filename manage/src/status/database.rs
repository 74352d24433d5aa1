use chrono::{TimeDelta, Utc};
use firn_db::{
    Database, DatabaseOptions, MigrationState, PoolOptions, Service, ServiceState, service_list,
};
use oslo_config::Config;

use super::{Check, Finding};

const DATABASE: &str = "Database";
const SERVER: &str = "Database Server Settings";
const SCHEMA: &str = "Database Schema";
const SERVICES: &str = "Versions of Running Services";

/// A service that was silent for longer counts as stopped.
const SILENCE: TimeDelta = TimeDelta::minutes(2);

pub(super) fn check(config: &Config) -> Vec<Check> {
    let database = match open(config) {
        Ok(database) => database,
        Err(message) => return vec![Check::failure(DATABASE, message)],
    };
    let mut checks = vec![Check::success(DATABASE)];
    checks.push(match database.advice() {
        Ok(advice) => Check::of(SERVER, Finding::Warning, &advice),
        Err(error) => Check::failure(SERVER, told(&error)),
    });
    checks.push(match database.migrations() {
        Ok(migrations) => schema(&migrations),
        Err(error) => Check::failure(SCHEMA, told(&error)),
    });
    // Without tables there is nobody to have spoken.
    if let Ok(rows) = database.run_blocking(service_list) {
        checks.push(services(&rows));
    }
    checks
}

/// Once, without waiting for a server that is not there.
fn open(config: &Config) -> Result<Database, String> {
    let options: DatabaseOptions = config.get().map_err(|error| error.to_string())?;
    Database::open_with(&options.connection, &PoolOptions::default()).map_err(|error| told(&error))
}

/// An error with its causes; none of them holds a password.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

fn schema(migrations: &[MigrationState]) -> Check {
    let named = |wanted: &dyn Fn(&&MigrationState) -> bool| {
        let names: Vec<_> = migrations.iter().filter(wanted).map(|one| one.name.clone()).collect();
        names.join(", ")
    };
    let expanding = named(&|one| !one.applied && !one.contracting);
    let contracting = named(&|one| !one.applied && one.contracting);
    let newer = named(&|one| !one.known);
    if !expanding.is_empty() {
        let how = "run `firn-manage db sync --expand` before the services of this version start";
        return Check::failure(SCHEMA, format!("pending: {expanding}; {how}"));
    }
    if !newer.is_empty() {
        let text = format!("made by a newer version of Firn: {newer}");
        return Check::warning(SCHEMA, text);
    }
    if !contracting.is_empty() {
        let how = "when all services have this version, run `firn-manage db sync --contract`";
        return Check::warning(SCHEMA, format!("pending: {contracting}; {how}"));
    }
    Check::success(SCHEMA)
}

fn services(rows: &[Service]) -> Check {
    let now = Utc::now();
    let mut others: Vec<_> = rows
        .iter()
        .filter(|row| row.state(now, SILENCE) == ServiceState::Up)
        .filter(|row| row.version != env!("CARGO_PKG_VERSION"))
        .map(|row| format!("{:?} on {} has {}", row.kind, row.host, row.version).to_lowercase())
        .collect();
    if !others.is_empty() {
        let ours = env!("CARGO_PKG_VERSION");
        others.push(format!("this is {ours}: no contracting migration before all have it"));
    }
    Check::of(SERVICES, Finding::Warning, &others)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(name: &str, applied: bool, known: bool) -> MigrationState {
        let contracting = name.ends_with("_contract");
        let (name, version) = (name.to_owned(), name.to_owned());
        MigrationState { name, version, contracting, applied, known }
    }

    #[test]
    fn pending_expansions_stop_an_upgrade_and_contractions_do_not() {
        let done = state("1_a", true, true);
        for (more, finding) in [
            (None, Finding::Success),
            (Some(state("2_b", false, true)), Finding::Failure),
            (Some(state("2_b_contract", false, true)), Finding::Warning),
            (Some(state("9_z", true, false)), Finding::Warning),
        ] {
            let all: Vec<_> = [done.clone()].into_iter().chain(more.clone()).collect();
            let check = schema(&all);
            assert_eq!(check.finding, finding, "{more:?}");
            assert_eq!(check.details.is_some(), more.is_some());
        }
    }
}
