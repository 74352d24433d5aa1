use std::sync::Arc;

use keystone_middleware_rs::Session;

use crate::openstack::block_storage::{BlockStorage, Cinder};
use crate::openstack::compute::{Compute, Nova};
use crate::openstack::image::{Glance, ImageStore};
use crate::openstack::network::{Network, Neutron};
use crate::openstack::{Caller, ClientOptions};

/// The services of a cloud, all as the same user.
#[derive(Clone)]
pub struct Services {
    /// Nova.
    pub compute: Arc<dyn Compute>,
    /// Cinder.
    pub block_storage: Arc<dyn BlockStorage>,
    /// Neutron.
    pub network: Arc<dyn Network>,
    /// Glance.
    pub images: Arc<dyn ImageStore>,
}

/// How each service is found.
#[derive(Clone, Debug, Default)]
pub struct ServicesOptions {
    /// Nova.
    pub compute: ClientOptions,
    /// Cinder.
    pub block_storage: ClientOptions,
    /// Neutron.
    pub network: ClientOptions,
    /// Glance.
    pub images: ClientOptions,
}

impl Services {
    /// The services as the user of a session. Nothing is asked before it is needed; what is found
    /// out about versions and endpoints is kept, so keep the services too.
    pub fn new(session: &Session, options: &ServicesOptions) -> Self {
        Self::of(&session.clone().into(), options)
    }

    /// The same as the user of a session, for whom the user of `service` asks.
    pub fn acting(session: &Session, service: &Session, options: &ServicesOptions) -> Self {
        Self::of(&Caller::acting(session.clone(), service.clone()), options)
    }

    fn of(caller: &Caller, options: &ServicesOptions) -> Self {
        Self {
            compute: Arc::new(Nova::new(caller.clone(), options.compute.clone())),
            block_storage: Arc::new(Cinder::new(caller.clone(), options.block_storage.clone())),
            network: Arc::new(Neutron::new(caller.clone(), options.network.clone())),
            images: Arc::new(Glance::new(caller.clone(), options.images.clone())),
        }
    }
}
