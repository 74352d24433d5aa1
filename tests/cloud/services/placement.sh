# Placement under uwsgi.
# shellcheck shell=bash disable=SC2154  # the settings

configure() {
    write_config placement <<END
[DEFAULT]
use_stderr = true
[api]
auth_strategy = keystone
[placement_database]
connection = $(database_url placement)
$(shared_sections placement)
END
}

prepare() { once placement make_database placement db sync; }

start() {
    spawn_uwsgi placement "$placement_port" 1 /usr/bin/placement-api \
        "OS_PLACEMENT_CONFIG_DIR=$state/etc/placement"
    await placement answers "$placement_port"
}

stop() { end placement; }
status() { simple_status placement; }
