mod catalog;
mod directory;
mod user;

use keystone_middleware_rs::{DomainRef, Interface, Secret, Session};

use super::IdentityError;
use directory::Directory;

/// What Keystone is to know of the service.
#[derive(Clone, Debug)]
pub struct Registration {
    /// `instance-backup`.
    pub service_type: String,
    /// The service's name in the catalog.
    pub service_name: String,
    /// One line for people.
    pub description: String,
    /// The region of the endpoints; made where it does not exist.
    pub region: String,
    /// Where the service is reached, one URL an interface. Others in the region are left alone.
    pub endpoints: Vec<EndpointUrl>,
    /// The service user; none leaves users alone.
    pub user: Option<ServiceUser>,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointUrl {
    /// For whom.
    pub interface: Interface,
    /// Its URL.
    pub url: String,
}

/// The user that the service is in other services.
#[derive(Clone, Debug)]
pub struct ServiceUser {
    /// Name.
    pub name: String,
    /// Password; set where Keystone does not take it.
    pub password: Secret,
    /// The user's domain.
    pub domain: DomainRef,
    /// The project in which it has its roles; made where it does not exist.
    pub project: String,
    /// The project's domain.
    pub project_domain: DomainRef,
    /// Names of the roles; made where they do not exist.
    pub roles: Vec<String>,
}

/// What became of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was as it should be.
    Unchanged,
    /// It was made.
    Created,
    /// It was there, and other than it should be.
    Changed,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What, for people: `the internal endpoint http://…`.
    pub what: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What was other than it should be, one entry a value, for people: `url was "http://…"`. Holds
    /// no secret.
    pub differences: Vec<String>,
}

/// What [`register`] found and did, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistrationReport {
    /// The things.
    pub steps: Vec<Step>,
}

impl RegistrationReport {
    /// Whether anything is other than before.
    pub fn changed(&self) -> bool {
        self.steps.iter().any(|step| step.outcome != Outcome::Unchanged)
    }

    fn add(&mut self, what: impl Into<String>, outcome: Outcome) {
        self.steps.push(Step { what: what.into(), outcome, differences: Vec::new() });
    }

    /// What was there already, and the differences that were put right.
    fn add_found(&mut self, what: impl Into<String>, differences: Vec<String>) {
        let outcome = if differences.is_empty() { Outcome::Unchanged } else { Outcome::Changed };
        self.steps.push(Step { what: what.into(), outcome, differences });
    }
}

/// Makes Keystone know the service, as the administrator of this session. What is there already
/// is corrected where it differs; running it again changes nothing. After an error it can be run
/// again: what was done stays.
///
/// # Errors
/// [`IdentityError::Refused`] where the session is no administrator's, and
/// [`IdentityError::Unusable`] for a domain that does not exist: domains are not made.
pub async fn register(
    admin: &Session,
    wanted: &Registration,
) -> Result<RegistrationReport, IdentityError> {
    let directory = Directory::new(admin).await?;
    let mut report = RegistrationReport::default();
    if let Some(wanted) = &wanted.user {
        user::ensure(&directory, wanted, &mut report).await?;
    }
    catalog::ensure(&directory, wanted, &mut report).await?;
    Ok(report)
}
