# Cinder: API, scheduler and a volume service with a backend for each volume type.
# shellcheck shell=bash disable=SC2154  # the settings

backend() {
    cat <<END
[$1]
volume_driver = cinder.volume.drivers.rbd.RBDDriver
volume_backend_name = $1
rbd_pool = ${volume_pools[$1]}
rbd_ceph_conf = $state/ceph/etc/ceph.conf
rbd_user = cinder
rbd_secret_uuid = $cinder_secret
rbd_exclusive_cinder_pool = true
report_discard_supported = true
END
}

configure() {
    local type folder=$state/cinder
    mkdir -p "$folder"/{volumes,conversion}
    write_config cinder <<END
[DEFAULT]
auth_strategy = keystone
transport_url = $transport_url
my_ip = $host
host = $node
use_stderr = true
osapi_volume_listen = $host
osapi_volume_listen_port = $cinder_port
osapi_volume_workers = 1
api_paste_config = /usr/share/cinder-common/api-paste.ini
resource_query_filters_file = /etc/cinder/resource_filters.json
rootwrap_config = /etc/cinder/rootwrap.conf
state_path = $folder
volumes_dir = $folder/volumes
image_conversion_dir = $folder/conversion
glance_api_servers = http://$host:$glance_port
allowed_direct_url_schemes = rbd
enabled_backends = $(IFS=,; echo "${volume_types[*]}")
default_volume_type = ${volume_types[0]}
[database]
connection = $(database_url cinder)
[cinder_sys_admin]
helper_command = privsep-helper --config-file $state/etc/cinder/cinder.conf
[nova]
$(login nova)
region_name = $region
interface = internal
token_auth_url = $auth_url
[key_manager]
backend = cinder.keymgr.conf_key_mgr.ConfKeyManager
fixed_key = $volume_key
$(shared_sections cinder)
$(for type in "${volume_types[@]}"; do backend "$type"; done)
END
}

prepare() { once cinder make_database cinder db sync; }

start() {
    local command words
    config cinder
    words=("${command[@]}")
    spawn cinder-api cinder-api "${words[@]}"
    spawn cinder-scheduler cinder-scheduler "${words[@]}"
    # os-brick looks for keyrings in /etc/ceph only.
    own_mounts "$state/ceph/etc:/etc/ceph" -- cinder-volume "${words[@]}"
    spawn cinder-volume "${command[@]}"
    await cinder-api answers "$cinder_port"
}

stop() {
    end cinder-api
    end cinder-scheduler
    end cinder-volume
}
status() { simple_status cinder-api cinder-scheduler cinder-volume; }
