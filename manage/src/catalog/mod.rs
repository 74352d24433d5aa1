//! `firn-manage catalog`.

mod admin;
mod endpoints;
mod user;

use anyhow::Context;
use clap::{Args, Subcommand};
use firn_cloud::openstack::KeystoneAuthtokenOptions;
use firn_cloud::openstack::identity::{Outcome, Registration, Step, register};

use crate::say;
use admin::Admin;
use endpoints::Endpoints;

/// What to do with the catalog.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make Keystone know the service: its user, roles, service and endpoints. What is there and
    /// differs is put right; run again, it changes nothing
    Register(Box<Register>),
}

/// What Keystone is to know. The user, its password and its project are those of
/// \[keystone_authtoken\].
#[derive(Args, Debug)]
pub struct Register {
    #[command(flatten)]
    endpoints: Endpoints,
    /// Region of the endpoints; made where it does not exist
    #[arg(long, env = "OS_REGION_NAME", hide_env_values = true, value_name = "NAME")]
    region: String,
    /// Name of the service in the catalog
    #[arg(long, default_value = "firn", value_name = "NAME")]
    service_name: String,
    /// What people read about it
    #[arg(long, default_value = "Instance backup", value_name = "TEXT")]
    description: String,
    /// Role of the service user in its project; may be given several times
    #[arg(long = "role", default_value = "service", value_name = "NAME")]
    roles: Vec<String>,
    /// Leave users, roles and projects alone: they are somebody else's, as with LDAP
    #[arg(long)]
    no_user: bool,
    #[command(flatten)]
    admin: Admin,
}

/// Carries it out.
///
/// # Errors
/// Options that are missing, and what Keystone answers.
pub fn run(command: &Command, service: &KeystoneAuthtokenOptions) -> anyhow::Result<()> {
    let Command::Register(options) = command;
    let wanted = Registration {
        service_type: service.service_type.clone(),
        service_name: options.service_name.clone(),
        description: options.description.clone(),
        region: options.region.clone(),
        endpoints: options.endpoints.urls()?,
        user: match options.no_user {
            true => None,
            false => Some(user::wanted(service, &options.roles)?),
        },
    };
    let session = options.admin.session()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime
        .block_on(register(&session, &wanted))
        .with_context(|| format!("cannot register at {}", session.auth_url()))?;
    for step in &report.steps {
        say(&line(step))?;
    }
    say(match report.changed() {
        true => "the service is registered",
        false => "the service was registered already: nothing is changed",
    })?;
    Ok(())
}

fn line(step: &Step) -> String {
    let outcome = match step.outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::Created => "made",
        Outcome::Changed => "changed",
    };
    match step.differences.join(", ") {
        none if none.is_empty() => format!("{outcome:<9}  {}", step.what),
        differences => format!("{outcome:<9}  {}: {differences}", step.what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_other() {
        let what = "the public endpoint http://a".to_owned();
        let differences = vec!["url was \"http://b\"".to_owned(), "enabled was false".to_owned()];
        let step = Step { what: what.clone(), outcome: Outcome::Changed, differences };
        let told =
            "changed    the public endpoint http://a: url was \"http://b\", enabled was false";
        assert_eq!(line(&step), told);
        let step = Step { what, outcome: Outcome::Unchanged, differences: Vec::new() };
        assert_eq!(line(&step), "unchanged  the public endpoint http://a");
    }
}
