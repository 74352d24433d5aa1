use std::fmt;
use std::str::FromStr;

/// For whom an endpoint is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Interface {
    /// Everybody.
    Public,
    /// Services of the same cloud. What services ask for unless told otherwise.
    #[default]
    Internal,
    /// Administrators.
    Admin,
}

impl Interface {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Public, Self::Internal, Self::Admin];

    /// Its name in catalogs and options.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not `public`, `internal` or `admin`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an interface is public, internal or admin, not {given:?}")]
pub struct InterfaceError {
    /// What was given.
    pub given: String,
}

impl FromStr for Interface {
    type Err = InterfaceError;

    /// Reads `public` and the older `publicURL`.
    fn from_str(text: &str) -> Result<Self, InterfaceError> {
        let name = text.strip_suffix("URL").unwrap_or(text);
        let found = Self::ALL.into_iter().find(|interface| interface.as_str() == name);
        found.ok_or_else(|| InterfaceError { given: text.to_owned() })
    }
}

/// One address of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Id; empty where Keystone does not tell.
    pub id: String,
    /// For whom it is.
    pub interface: Interface,
    /// The region it serves.
    pub region: Option<String>,
    /// Its base URL, ids already filled in.
    pub url: String,
}

/// A service of the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Id.
    pub id: String,
    /// What it does: `compute`, `network`, ...
    pub service_type: String,
    /// Its name: `nova`, `neutron`, ...
    pub name: String,
    /// Where it is reached.
    pub endpoints: Vec<Endpoint>,
}

/// The services of a cloud, as one token sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    services: Vec<Service>,
}

impl Catalog {
    /// A catalog of these services, in this order.
    pub const fn new(services: Vec<Service>) -> Self {
        Self { services }
    }

    /// All of them.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Whether there is a service of exactly this type.
    pub fn has_type(&self, service_type: &str) -> bool {
        self.services.iter().any(|service| service.service_type == service_type)
    }

    /// The first endpoint of the type, interface and (where one is given) region. A type stands
    /// for its aliases too: where nothing of the very type fits, `block-storage` finds `volumev3`
    /// and `volumev3` finds `block-storage`.
    pub fn endpoint(
        &self,
        service_type: &str,
        interface: Interface,
        region: Option<&str>,
    ) -> Option<&Endpoint> {
        let fits = |endpoint: &&Endpoint| {
            endpoint.interface == interface
                && region.is_none_or(|region| endpoint.region.as_deref() == Some(region))
        };
        let of_type = |wanted: &str| {
            let services = self.services.iter().filter(move |s| s.service_type == wanted);
            services.flat_map(|service| &service.endpoints).find(fits)
        };
        of_type(service_type).or_else(|| aliases(service_type).iter().copied().find_map(of_type))
    }
}

/// Types that mean the same, the official one first, then newer before older.
const ALIASES: &[&[&str]] = &[
    &["block-storage", "volumev3", "volumev2", "volume", "block-store"],
    &["application-container", "container"],
    &["container-infrastructure-management", "container-infrastructure", "container-infra"],
    &["data-processing", "sahara"],
    &["identity", "identityv3", "identityv2"],
    &["instance-ha", "ha"],
    &["key-manager", "keymanager"],
    &["load-balancer", "octavia"],
    &["message", "messaging"],
    &["network", "networking"],
    &["orchestration", "heat"],
    &["reservation", "reservations"],
    &["shared-file-system", "sharev2", "share"],
];

/// Every type that means the same, itself included.
fn aliases(service_type: &str) -> &'static [&'static str] {
    ALIASES.iter().find(|group| group.contains(&service_type)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(rows: &[(&str, &str, &str, &str)]) -> Catalog {
        let services = rows.iter().map(|(service_type, interface, region, url)| Service {
            id: String::new(),
            service_type: (*service_type).to_owned(),
            name: String::new(),
            endpoints: vec![Endpoint {
                id: String::new(),
                interface: interface.parse().unwrap(),
                region: Some((*region).to_owned()),
                url: (*url).to_owned(),
            }],
        });
        Catalog::new(services.collect())
    }

    #[test]
    fn endpoints_are_found_by_type_interface_and_region() {
        let catalog = catalog(&[
            ("compute", "public", "north", "http://public.north"),
            ("compute", "internal", "north", "http://internal.north"),
            ("compute", "internal", "south", "http://internal.south"),
            ("volumev2", "internal", "north", "http://v2"),
            ("volumev3", "internal", "north", "http://v3"),
        ]);
        let url = |service_type, interface, region| {
            catalog.endpoint(service_type, interface, region).map(|found| found.url.as_str())
        };
        use Interface::{Admin, Internal, Public};
        assert_eq!(url("compute", Public, None), Some("http://public.north"));
        assert_eq!(url("compute", Internal, Some("south")), Some("http://internal.south"));
        assert_eq!(url("compute", Internal, None), Some("http://internal.north"));
        assert_eq!(url("compute", Admin, None), None);
        assert_eq!(url("compute", Public, Some("south")), None);
        assert_eq!(url("image", Public, None), None);
        assert_eq!(url("block-storage", Internal, None), Some("http://v3"), "the newest alias");
        assert_eq!(url("volumev2", Internal, None), Some("http://v2"), "the very type first");
        assert_eq!(url("volume", Internal, Some("north")), Some("http://v3"));
        assert!(catalog.has_type("volumev3") && !catalog.has_type("block-storage"));
    }

    #[test]
    fn interfaces_have_an_older_spelling() {
        assert_eq!("publicURL".parse(), Ok(Interface::Public));
        assert_eq!("admin".parse(), Ok(Interface::Admin));
        assert!("".parse::<Interface>().is_err() && "Public".parse::<Interface>().is_err());
    }
}
