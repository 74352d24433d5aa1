//! What deployment tools write for all of OpenStack's services does not stop this one.

use firn_service::{HostOptions, LogOptions, Messaging};
use oslo_config::{Loader, Problem, Severity};

/// As kolla, DevStack and Packstack write it, and what else the libraries know.
const THEIRS: &str = "
[DEFAULT]
transport_url = rabbit://u:p@h:5672/
use_journal = true
[keystone_authtoken]
service_type = instance-backup
www_authenticate_uri = http://k:5000
auth_url = http://k:5000
auth_type = password
project_domain_id = default
user_domain_id = default
project_name = service
username = firn
password = secret
cafile = /ca
region_name = RegionOne
memcache_security_strategy = ENCRYPT
memcache_secret_key = secret
memcached_servers = m:11211
memcache_use_advanced_pool = true
memcache_pool_maxsize = 10
auth_section = keystone_authtoken
auth_version = v3
auth_host = k
admin_user = firn
admin_password = secret
admin_tenant_name = service
identity_uri = http://k:35357
cache = swift.cache
timeout = 60
retry = 3
split_loggers = false
collect_timing = false
domain_id = d
domain_name = d
default_domain_id = default
default_domain_name = Default
trust_id = t
passcode = 1
enforce_token_bind = permissive
revocation_cache_time = 10
[oslo_messaging_rabbit]
amqp_durable_queues = true
amqp_auto_delete = false
heartbeat_in_pthread = false
heartbeat_rate = 3
heartbeat_timeout_threshold = 60
rabbit_ha_queues = true
rabbit_quorum_queue = true
rabbit_transient_quorum_queue = true
rabbit_quorum_delivery_limit = 0
rabbit_stream_fanout = true
rabbit_transient_queues_ttl = 1800
rabbit_qos_prefetch_count = 1
rabbit_retry_backoff = 2
rabbit_max_retries = 0
rabbit_login_method = AMQPLAIN
rabbit_userid = u
use_queue_manager = true
kombu_reconnect_delay = 1
rpc_conn_pool_size = 30
direct_mandatory_flag = true
enable_cancel_on_failover = true
ssl_version =
ssl_enforce_fips_mode = false
hostname = h
processname = p
[oslo_messaging_notifications]
transport_url = rabbit://u:p@h:5672/
driver = noop
topics = notifications
retry = -1
[oslo_policy]
enforce_scope = true
enforce_new_defaults = true
policy_default_rule = default
policy_file = policy.yaml
remote_timeout = 60
remote_ssl_ca_crt_file = /ca
";

fn problems(text: &str) -> Vec<Problem> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firn.conf");
    std::fs::write(&path, text).unwrap();
    let mut groups = super::groups();
    groups.extend([HostOptions::group(), LogOptions::group()]);
    groups.extend(Messaging::groups());
    Loader::new("firn").files([path]).environment([]).read(&groups).problems
}

#[test]
fn what_deployment_tools_write_is_read_with_warnings() {
    let problems = problems(THEIRS);
    let errors: Vec<_> =
        problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for name in ["enforce_scope", "heartbeat_in_pthread", "auth_section", "timeout", "retry"] {
        let of = problems.iter().find(|problem| problem.option.as_deref() == Some(name));
        assert_eq!(of.unwrap().message, "unknown option; it has no effect here", "{name}");
    }
    // That is ours now.
    assert!(problems.iter().all(|of| of.option.as_deref() != Some("amqp_durable_queues")));
}

#[test]
fn a_slip_of_the_pen_is_an_error_in_shared_groups_too() {
    for (group, slip, meant) in [
        ("keystone_authtoken", "pasword", "password"),
        ("oslo_policy", "policy_fil", "policy_file"),
        ("oslo_messaging_rabbit", "rabbit_quorum_queues", "rabbit_quorum_queue"),
        ("oslo_messaging_notifications", "drivers", "driver"),
    ] {
        let problems = problems(&format!("[{group}]\n{slip} = x\n"));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].severity, Severity::Error, "{problems:?}");
        assert_eq!(problems[0].message, format!("unknown option; did you mean {meant}?"));
    }
}
