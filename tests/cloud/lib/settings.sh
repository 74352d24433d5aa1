# What a cloud is made of: where it lives, its ports and passwords. Sourced, never run.
#
# FIRN_CLOUD        folder of all its state (build/cloud)
# FIRN_CLOUD_PORT   first of its 100 ports (a free hundred, chosen once)
# FIRN_CLOUD_OSD_GIB, FIRN_CLOUD_OSD_CACHE_MIB   size and cache of the sparse file that Ceph keeps all in
# shellcheck shell=bash disable=SC2034,SC2154  # names for those who source it; what is in the file

set -euo pipefail

cloud_dir=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
repo_dir=$(realpath "$cloud_dir/../..")
state=$(realpath -m "${FIRN_CLOUD:-${FIRN_BUILD_DIR:-$repo_dir/build}/cloud}")
export FIRN_CLOUD=$state
# Debian's own Python programs must not meet another Python on PATH.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
export PYTHONPATH=$repo_dir/tests PYTHONDONTWRITEBYTECODE=1

host=127.0.0.1
region=RegionOne
node=node1 # the hypervisor's name, as Nova and Cinder know it
images_pool=images
servers_pool=vms
# Cinder's backends, which are named as their volume types, and the pool of each.
declare -A volume_pools=([standard]=volumes [fast]=volumes-fast)
volume_types=(standard fast)

# Services in the order in which they start.
services=(ceph mariadb rabbitmq keystone glance placement neutron cinder libvirt nova)

secret() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
uuid() { cat /proc/sys/kernel/random/uuid; }

# Whether something listens between these two ports.
in_use() {
    ss -Hltn | awk '{ sub(/.*:/, "", $4); print $4 }' |
        awk -v low="$1" -v high="$2" '$1 >= low && $1 <= high { found = 1 } END { exit !found }'
}

# Below the ports that the kernel gives to clients.
free_hundred() {
    local base
    while base=$((20000 + RANDOM % 120 * 100)) && in_use "$base" $((base + 99)); do :; done
    echo "$base"
}

# Chosen once for each cloud: it keeps its ports and passwords over restarts.
make_settings() {
    [ "${#state}" -le 60 ] || fail "$state is too long for the sockets in it; set FIRN_CLOUD"
    mkdir -p "$state"
    chmod o+x "$state"
    (
        umask 077
        cat >"$state/settings.new" <<END
base_port=${FIRN_CLOUD_PORT:-$(free_hundred)}
password=$(secret)
ceph_fsid=$(uuid)
osd_uuid=$(uuid)
osd_gib=${FIRN_CLOUD_OSD_GIB:-40}
osd_cache_mib=${FIRN_CLOUD_OSD_CACHE_MIB:-512}
nova_secret=$(uuid)
cinder_secret=$(uuid)
volume_key=$(secret)$(secret)
END
    )
    mv "$state/settings.new" "$state/settings"
}

load_settings() {
    [ -e "$state/settings" ] || return 1
    # shellcheck source=/dev/null
    source "$state/settings"
    local name number=$base_port
    for name in keystone glance placement nova cinder neutron s3 firn rabbitmq epmd erlang \
        mariadb monitor monitor_v1; do
        declare -g "${name}_port=$number"
        number=$((number + 1))
    done
    # Where Ceph's daemons look for free ports.
    ceph_low_port=$((base_port + 40)) ceph_high_port=$((base_port + 99))
    auth_url=http://$host:$keystone_port/v3
    transport_url=rabbit://openstack:$password@$host:$rabbitmq_port/
}
