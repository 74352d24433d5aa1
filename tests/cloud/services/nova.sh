# Nova: API, conductor, scheduler, and compute on our libvirtd with disks in Ceph.
# shellcheck shell=bash disable=SC2154  # the settings

configure() {
    mkdir -p "$state/nova/instances"
    write_config nova <<END
[DEFAULT]
transport_url = $transport_url
my_ip = $host
host = $node
use_stderr = true
state_path = $state/nova
instances_path = $state/nova/instances
enabled_apis = osapi_compute
osapi_compute_listen = $host
osapi_compute_listen_port = $nova_port
osapi_compute_workers = 1
compute_driver = libvirt.LibvirtDriver
rootwrap_config = /etc/nova/rootwrap.conf
reserved_host_memory_mb = 512
ram_allocation_ratio = 4.0
cpu_allocation_ratio = 16.0
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
# Servers that ran when the cloud went down run again when it is up.
resume_guests_state_on_host_boot = true
# There is one host.
allow_resize_to_same_host = true
# The guest does not hear when it is asked to shut down.
shutdown_timeout = 5
[wsgi]
api_paste_config = /usr/share/nova-common/api-paste.ini
[api]
auth_strategy = keystone
[api_database]
connection = $(database_url nova_api)
[database]
connection = $(database_url nova)
[placement]
$(login placement)
region_name = $region
[neutron]
$(login neutron)
region_name = $region
[glance]
api_servers = http://$host:$glance_port
[cinder]
$(login cinder)
catalog_info = volumev3:cinderv3:publicURL
os_region_name = $region
[nova_sys_admin]
helper_command = privsep-helper --config-file $state/etc/nova/nova.conf
[vif_plug_linux_bridge_privileged]
helper_command = privsep-helper --config-file $state/etc/nova/nova.conf
[os_brick_privileged]
helper_command = privsep-helper --config-file $state/etc/nova/nova.conf
[libvirt]
connection_uri = qemu:///system?socket=$state/libvirt/run/libvirt-sock
virt_type = qemu
cpu_mode = none
images_type = rbd
images_rbd_pool = $servers_pool
images_rbd_ceph_conf = $state/ceph/etc/ceph.conf
rbd_user = nova
rbd_secret_uuid = $nova_secret
disk_cachemodes = network=writeback
hw_disk_discard = unmap
inject_partition = -2
num_pcie_ports = 0
[key_manager]
backend = nova.keymgr.conf_key_mgr.ConfKeyManager
fixed_key = $volume_key
[vnc]
enabled = false
[conductor]
workers = 1
[scheduler]
workers = 1
[workarounds]
skip_cpu_compare_on_dest = true
$(shared_sections nova)
END
}

manage() {
    local command
    config nova
    nova-manage "${command[@]}" "$@"
}

make_data() {
    database nova nova_api nova_cell0
    quietly nova-manage manage api_db sync
    quietly nova-manage manage cell_v2 map_cell0 --database_connection "$(database_url nova_cell0)"
    quietly nova-manage manage db sync
    # It ends with 2 when there is one already.
    manage cell_v2 list_cells 2>/dev/null | grep ' cell1 ' >/dev/null ||
        quietly nova-manage manage cell_v2 create_cell --name=cell1
}

host_is_mapped() {
    manage cell_v2 discover_hosts
    manage cell_v2 list_hosts | grep " $node " >/dev/null
}

prepare() { once nova make_data; }

start() {
    local command words
    config nova
    words=("${command[@]}")
    spawn nova-conductor nova-conductor "${words[@]}"
    spawn nova-scheduler nova-scheduler "${words[@]}"
    spawn nova-api nova-api "${words[@]}"
    await nova-api answers "$nova_port"
    own_mounts "$state/ceph/etc:/etc/ceph" -- nova-compute "${words[@]}"
    spawn nova-compute "${command[@]}"
    once nova-host await nova-compute host_is_mapped
}

stop() {
    end nova-api
    end nova-compute
    end nova-scheduler
    end nova-conductor
}
status() { simple_status nova-api nova-conductor nova-scheduler nova-compute; }
