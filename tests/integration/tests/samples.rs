//! `etc/firn/firn.conf.sample` says what the programs say. `UPDATE_SAMPLES=1` writes it anew.

use std::path::Path;

use firn_agent::AgentConfig;
use firn_cloud::openstack::{CinderOptions, GlanceOptions, NeutronOptions, NovaOptions};
use firn_conductor::{CephOptions, ConductorOptions, StorageOptions};
use firn_db::DatabaseOptions;
use firn_service::{HostOptions, LogOptions, Messaging, RepositoryOptions};

#[test]
fn the_sample_of_the_configuration_is_current() {
    let mut groups = vec![HostOptions::group(), LogOptions::group()];
    groups.extend(Messaging::groups());
    groups.extend(firn_api::options::groups());
    groups.extend([
        DatabaseOptions::group(),
        ConductorOptions::group(),
        StorageOptions::group(),
        CephOptions::group(),
        NovaOptions::group(),
        CinderOptions::group(),
        NeutronOptions::group(),
        GlanceOptions::group(),
        RepositoryOptions::group(),
        AgentConfig::group(),
    ]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../etc/firn/firn.conf.sample");
    let current = oslo_config::committed_sample_is_current(&path, &oslo_config::sample(&groups));
    assert!(current.is_ok(), "{current:?}");
}
