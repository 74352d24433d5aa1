use keystone_middleware_rs::Interface;

use super::ClientOptions;

macro_rules! service_options {
    ($(#[doc = $doc:literal])* $name:ident in $group:literal) => {
        oslo_config::options! {
            $(#[doc = $doc])*
            pub struct $name in $group {
                /// The region of its endpoint in the catalog; none: the first.
                pub region_name: Option<String>;
                /// The interface of its endpoint.
                pub interface: String = "internal", choices ["public", "internal", "admin"];
                /// Its URL instead of the catalog's; %(project_id)s stands for the service
                /// user's project.
                pub endpoint_override: Option<String>;
            }
        }

        impl $name {
            /// As the client takes them.
            pub fn client(&self, request_id: fn() -> Option<String>) -> ClientOptions {
                ClientOptions {
                    region_name: self.region_name.clone(),
                    // The choices are these names.
                    interface: self.interface.parse().unwrap_or(Interface::Internal),
                    endpoint_override: self.endpoint_override.clone(),
                    request_id,
                    ..ClientOptions::default()
                }
            }
        }
    };
}

service_options! {
    /// How Nova is found.
    NovaOptions in "nova"
}
service_options! {
    /// How Cinder is found.
    CinderOptions in "cinder"
}
service_options! {
    /// How Neutron is found.
    NeutronOptions in "neutron"
}
service_options! {
    /// How Glance is found.
    GlanceOptions in "glance"
}
