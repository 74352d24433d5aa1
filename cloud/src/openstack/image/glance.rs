use async_trait::async_trait;
use keystone_middleware_rs::Session;

use super::{Image, ImageStore};
use crate::openstack::client::{Api, ClientOptions, OpenStackError, ServiceClient};

/// The real Glance.
#[derive(Debug)]
pub struct Glance {
    client: ServiceClient,
}

impl Glance {
    /// Glance, as the user of a session.
    pub fn new(session: Session, options: ClientOptions) -> Self {
        let api = Api {
            service_type: "image",
            version: "v2",
            project_in_url: false,
            microversions: None,
        };
        Self { client: ServiceClient::new(session, api, options) }
    }
}

#[async_trait]
impl ImageStore for Glance {
    async fn image_get(&self, id: &str) -> Result<Image, OpenStackError> {
        self.client.get("image get", &["images", id]).send().await?.body()
    }
}
