//! Options: from a file to what the service is made of.

use std::path::PathBuf;
use std::time::Duration;

use firn_api::options::{AuthStrategy, Settings, groups};
use firn_api::policy::{Policy, Target};
use firn_api::{ApiConfig, Principal};
use firn_core::ProjectId;
use oslo_config::Loader;

fn loader(path: PathBuf) -> Loader {
    Loader::new("firn").files(vec![path]).environment(Vec::<(String, String)>::new())
}

fn settings(text: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firn.conf");
    std::fs::write(&path, text).unwrap();
    let config = loader(path).load(&groups()).map_err(|error| error.to_string())?;
    Settings::read(&config).map_err(|error| error.to_string())
}

#[test]
fn nothing_set_is_the_default_service_behind_keystone() {
    let settings = settings("").unwrap();
    assert_eq!(settings.default.strategy(), AuthStrategy::Keystone);
    assert_eq!(settings.listen().to_string(), "0.0.0.0:8998");
    let (config, default) = (settings.config(), ApiConfig::default());
    assert_eq!(config.max_limit, default.max_limit);
    assert_eq!(config.max_body_bytes, default.max_body_bytes);
    assert_eq!(config.service_down_after, default.service_down_after);
    assert_eq!(config.quotas, default.quotas);
    assert!(config.cors.allowed_origins.is_empty());
    config.validate().unwrap();
    // Without a way to Keystone the service does not start.
    assert!(settings.validator().is_err());
}

#[test]
fn what_is_set_is_taken() {
    let settings = settings(
        "[DEFAULT]\nauth_strategy = noauth\nservice_down_time = 7\n\
         [api]\nlisten = 127.0.0.1\nport = 1234\nworkers = 3\nmax_limit = 10\n\
         public_endpoint = https://cloud.example\nconductor_timeout = 5\n\
         [oslo_middleware]\nmax_request_body_size = 4096\nenable_proxy_headers_parsing = true\n\
         [cors]\nallowed_origin = https://a.example,https://b.example\nmax_age = 5\n\
         [quota]\nrestore_points = 100\n\
         [keystone_authtoken]\nauth_url = http://127.0.0.1:5000\nusername = firn\n\
         password = hunter2\nuser_domain_name = Default\nproject_name = service\n\
         project_domain_name = Default\ninterface = public\ntoken_cache_time = -1\n",
    )
    .unwrap();
    assert_eq!(settings.default.strategy(), AuthStrategy::NoAuth);
    assert_eq!(settings.listen().to_string(), "127.0.0.1:1234");
    let config = settings.config();
    assert_eq!((config.workers.get(), config.max_limit), (3, 10));
    assert_eq!(config.public_endpoint.as_deref(), Some("https://cloud.example"));
    assert_eq!((config.max_body_bytes, config.trust_forwarded), (4096, true));
    assert_eq!(config.conductor_deadline, Duration::from_secs(5));
    assert_eq!(config.service_down_after, Duration::from_secs(7));
    assert_eq!(config.cors.allowed_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(config.quotas.restore_points, Some(100));
    config.validate().unwrap();
    let middleware = settings.keystone_authtoken.middleware();
    assert_eq!(middleware.token_cache_time, Duration::ZERO);
    assert_eq!(middleware.service_type.as_deref(), Some("instance-backup"));
    settings.validator().unwrap();
    assert!(!format!("{settings:?} {middleware:?}").contains("hunter2"));
}

#[test]
fn what_cannot_be_is_named() {
    for (text, named) in [
        ("[api]\nport = 0\n", "port"),
        ("[api]\nlisten = localhost\n", "listen"),
        ("[api]\nmax_limits = 5\n", "max_limits"),
        ("[DEFAULT]\nauth_strategy = none\n", "auth_strategy"),
        ("[quota]\ninstances = -2\n", "instances"),
        ("[keystone_authtoken]\ninterface = outside\n", "interface"),
        ("[oslo_middleware]\nmax_request_body_size = 0\n", "max_request_body_size"),
    ] {
        let error = settings(text).unwrap_err();
        assert!(error.contains(named), "{text:?}: {error}");
    }
}

#[test]
fn the_policy_lies_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firn.conf");
    std::fs::write(&path, "").unwrap();
    let config = loader(path).load(&groups()).unwrap();
    let settings = Settings::read(&config).unwrap();
    let reader = Principal::new(ProjectId("p".to_owned()), "u", &["reader"]);
    let own = Target { project_id: "p", user_id: "u" };
    let create = "instance-backup:restore_points:create";
    assert!(!settings.policy(&config).unwrap().allows(create, &reader, own));
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, format!("\"{create}\": \"role:reader\"\n")).unwrap();
    assert!(settings.policy(&config).unwrap().allows(create, &reader, own));
    std::fs::create_dir(folder.path().join("policy.d")).unwrap();
    let over = folder.path().join("policy.d/10-nobody.yaml");
    std::fs::write(over, format!("\"{create}\": \"!\"\n")).unwrap();
    assert!(!settings.policy(&config).unwrap().allows(create, &reader, own));
    std::fs::write(&file, "]").unwrap();
    assert!(settings.policy(&config).is_err());
}
