use async_trait::async_trait;

use super::{Image, ImageStore};
use crate::openstack::client::{Api, Caller, ClientOptions, OpenStackError, ServiceClient};

/// The real Glance.
#[derive(Debug)]
pub struct Glance {
    client: ServiceClient,
}

impl Glance {
    /// Glance, in the name of a caller: of a session's user, or of whom it acts for.
    pub fn new(caller: impl Into<Caller>, options: ClientOptions) -> Self {
        let api = Api {
            service_type: "image",
            version: "v2",
            project_in_url: false,
            microversions: None,
        };
        Self { client: ServiceClient::new(caller.into(), api, options) }
    }
}

#[async_trait]
impl ImageStore for Glance {
    async fn image_get(&self, id: &str) -> Result<Image, OpenStackError> {
        self.client.get("image get", &["images", id]).send().await?.body()
    }
}
