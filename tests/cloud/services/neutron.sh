# Neutron's server, without agents: networks and ports can be made; a server that is to boot has none.
# shellcheck shell=bash disable=SC2154  # the settings

configure() {
    write_config neutron <<END
[DEFAULT]
bind_host = $host
bind_port = $neutron_port
core_plugin = ml2
service_plugins =
transport_url = $transport_url
auth_strategy = keystone
api_workers = 1
rpc_workers = 0
use_stderr = true
state_path = $state/neutron
api_paste_config = /usr/share/neutron-common/api-paste.ini
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = $(database_url neutron)
[ml2]
type_drivers = local
tenant_network_types = local
mechanism_drivers =
extension_drivers = port_security
$(shared_sections neutron)
END
}

make_data() {
    local command
    config neutron
    database neutron
    quietly neutron-manage neutron-db-manage "${command[@]}" upgrade head
}

# A fresh process answers its first request for ports with 500 unless it was asked for networks.
ports_answer() { python3 -m cloud.warm_up; }

prepare() { once neutron make_data; }

start() {
    local command
    config neutron
    spawn neutron neutron-server "${command[@]}"
    await neutron answers "$neutron_port"
    await neutron ports_answer
}

stop() { end neutron; }
status() { simple_status neutron; }
