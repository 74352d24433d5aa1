use anyhow::bail;
use clap::Args;
use firn_cloud::openstack::identity::EndpointUrl;
use keystone_middleware_rs::Interface;

/// Where the service is reached.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub(super) struct Endpoints {
    /// URL of all interfaces that have none of their own, like http://controller:8998
    #[arg(long, value_parser = url, value_name = "URL")]
    url: Option<String>,
    /// URL for everybody
    #[arg(long, value_parser = url, value_name = "URL")]
    public_url: Option<String>,
    /// URL for other services
    #[arg(long, value_parser = url, value_name = "URL")]
    internal_url: Option<String>,
    /// URL for administrators
    #[arg(long, value_parser = url, value_name = "URL")]
    admin_url: Option<String>,
}

impl Endpoints {
    /// One for each interface that has a URL.
    pub(super) fn urls(&self) -> anyhow::Result<Vec<EndpointUrl>> {
        let urls = Interface::ALL.into_iter().filter_map(|interface| {
            let own = match interface {
                Interface::Public => &self.public_url,
                Interface::Internal => &self.internal_url,
                Interface::Admin => &self.admin_url,
            };
            let url = own.clone().or_else(|| self.url.clone())?;
            Some(EndpointUrl { interface, url })
        });
        let urls: Vec<_> = urls.collect();
        if urls.is_empty() {
            bail!("no endpoint has a URL: give --url");
        }
        Ok(urls)
    }
}

/// Clients append paths to it, so it ends where those begin.
fn url(text: &str) -> Result<String, String> {
    let wrong = || "not a URL such as http://controller:8998".to_owned();
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let rest = rest.ok_or_else(wrong)?;
    let host = rest.split('/').next().unwrap_or_default();
    let strange = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '@');
    if host.is_empty() || host.starts_with(':') || text.contains(strange) {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked() {
        for good in ["http://c:8998", "https://cloud.example/instance-backup", "http://[::1]:1"] {
            assert_eq!(url(good).as_deref(), Ok(good));
        }
        assert_eq!(url("http://c:8998/").as_deref(), Ok("http://c:8998"));
        for bad in ["", "c:8998", "ftp://c", "http://", "http://:80", "http://a b", "http://u@c"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_interface_has_its_own_url_or_that_of_all() {
        let mut endpoints = Endpoints {
            url: Some("http://all".to_owned()),
            public_url: Some("https://public".to_owned()),
            internal_url: None,
            admin_url: None,
        };
        let urls = |endpoints: &Endpoints| -> Vec<_> {
            let urls = endpoints.urls().unwrap_or_default().into_iter();
            urls.map(|one| format!("{} {}", one.interface, one.url)).collect()
        };
        let all = ["public https://public", "internal http://all", "admin http://all"];
        assert_eq!(urls(&endpoints), all);
        endpoints.url = None;
        assert_eq!(urls(&endpoints), all[..1], "the others are left alone");
        endpoints.public_url = None;
        assert!(endpoints.urls().is_err());
    }
}
