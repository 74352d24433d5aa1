# Glance: images in their own pool, which Nova and Cinder clone.
# shellcheck shell=bash disable=SC2154  # the settings

configure() {
    mkdir -p "$state"/glance/{staging,tasks}
    write_config glance <<END
[DEFAULT]
bind_host = $host
bind_port = $glance_port
workers = 0
use_stderr = true
transport_url = $transport_url
enabled_backends = rbd:rbd
# Where an image lies, so that it is cloned and not copied.
show_image_direct_url = true
show_multiple_locations = true
[database]
connection = $(database_url glance)
[glance_store]
default_backend = rbd
[rbd]
rbd_store_pool = $images_pool
rbd_store_user = glance
rbd_store_ceph_conf = $state/ceph/etc/ceph.conf
[os_glance_staging_store]
filesystem_store_datadir = $state/glance/staging
[os_glance_tasks_store]
filesystem_store_datadir = $state/glance/tasks
[paste_deploy]
flavor = keystone
config_file = /usr/share/glance-common/glance-api-paste.ini
$(shared_sections glance)
END
}

prepare() { once glance make_database glance db_sync; }

start() {
    local command
    config glance
    spawn glance glance-api "${command[@]}"
    await glance answers "$glance_port"
}

stop() { end glance; }
status() { simple_status glance; }
