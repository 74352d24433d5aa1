use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{NormalizePath, from_fn};
use actix_web::{App, Error, web};
use firn_db::Database;
use oslo_messaging::Transport;

use crate::config::ConfigError;
use crate::http::{ApiError, Turns, observe};
use crate::metrics::Metrics;
use crate::policy::{OsloPolicy, Policy};
use crate::service::Service;
use crate::{ApiConfig, Delegation, Identity, NoDelegation, routes};

/// The REST service, put together. Clones are the same service.
#[derive(Clone)]
pub struct Api {
    service: web::Data<Service>,
}

/// What a service is put together from.
pub struct ApiParts {
    /// What an operator can set.
    pub config: ApiConfig,
    /// Migrated.
    pub database: Database,
    /// The way to conductors.
    pub transport: Arc<dyn Transport>,
    /// Tells callers apart.
    pub identity: Arc<dyn Identity>,
    /// Lets plans run in their owners' names.
    pub delegation: Arc<dyn Delegation>,
    /// Decides what callers may do.
    pub policy: Arc<dyn Policy>,
}

impl Api {
    /// A service with the default policy, whose callers have nobody to delegate anything.
    ///
    /// # Errors
    /// Where an option cannot be used.
    pub fn new(
        config: ApiConfig,
        database: Database,
        transport: Arc<dyn Transport>,
        identity: Arc<dyn Identity>,
    ) -> Result<Self, ConfigError> {
        let delegation = Arc::new(NoDelegation);
        let policy = OsloPolicy::defaults().map_err(|source| ConfigError::Policy { source })?;
        let policy = Arc::new(policy);
        Self::from_parts(ApiParts { config, database, transport, identity, delegation, policy })
    }

    /// A service.
    ///
    /// # Errors
    /// Where an option cannot be used.
    pub fn from_parts(parts: ApiParts) -> Result<Self, ConfigError> {
        let ApiParts { config, database, transport, identity, delegation, policy } = parts;
        config.validate()?;
        let metrics = Metrics::new().map_err(|source| ConfigError::Metrics { source })?;
        let turns = Turns::new();
        let service =
            Service { config, database, transport, identity, delegation, policy, metrics, turns };
        Ok(Self { service: web::Data::new(service) })
    }

    /// The application, for [`crate::serve`] and for tests without a socket.
    pub fn app(
        &self,
    ) -> App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError = (),
        > + use<>,
    > {
        App::new()
            .app_data(self.service.clone())
            .configure(routes::configure)
            .default_service(web::to(no_such_route))
            .wrap(NormalizePath::trim())
            // The last is the outermost.
            .wrap(from_fn(observe))
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }
}

async fn no_such_route() -> Result<&'static str, ApiError> {
    Err(ApiError::NoSuchRoute)
}
