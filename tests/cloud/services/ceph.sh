# Ceph: a monitor, a manager, an OSD on a sparse file, and radosgw for S3.
# shellcheck shell=bash disable=SC2154  # the settings

ceph_dir=$state/ceph
# What a host that uses the cluster has in its /etc/ceph.
ceph_etc=$ceph_dir/etc
daemons_conf=$ceph_dir/ceph.conf
pools=("$images_pool" "$servers_pool" "${volume_pools[@]}")

ceph() { command ceph -c "$daemons_conf" --connect-timeout 30 "$@"; }

# caps PROFILE POOL...: capabilities of that profile on these pools.
caps() {
    local profile=$1 pool text=
    shift
    for pool in "$@"; do text+="${text:+, }profile $profile pool=$pool"; done
    echo "$text"
}

# user NAME CAPABILITY...: makes a cephx user, or gives it these capabilities; writes its keyring.
user() {
    local name=$1
    shift
    ceph auth get-or-create "client.$name" "$@" >"$ceph_etc/ceph.client.$name.keyring.new" 2>/dev/null || {
        ceph auth caps "client.$name" "$@"
        ceph auth get "client.$name" -o "$ceph_etc/ceph.client.$name.keyring.new"
    }
    chmod 600 "$ceph_etc/ceph.client.$name.keyring.new"
    mv "$ceph_etc/ceph.client.$name.keyring"{.new,}
}

configure() {
    mkdir -p "$ceph_etc" "$ceph_dir"/{mon,mgr,osd,run,log,crash}
    local cluster
    cluster="fsid = $ceph_fsid
mon_host = [v2:$host:$monitor_port,v1:$host:$monitor_v1_port]
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx"
    cat >"$ceph_etc/ceph.conf" <<END
[global]
$cluster

[client]
keyring = $ceph_etc/\$cluster.\$name.keyring
admin_socket =
log_file =
END
    cat >"$daemons_conf" <<END
[global]
$cluster
mon_initial_members = a
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
ms_bind_ipv6 = false
ms_bind_port_min = $ceph_low_port
ms_bind_port_max = $ceph_high_port
auth_allow_insecure_global_id_reclaim = false
run_dir = $ceph_dir/run
admin_socket = $ceph_dir/run/\$name.asok
pid_file =
log_file = $ceph_dir/log/\$name.log
crash_dir = $ceph_dir/crash
# One OSD, one copy.
osd_crush_chooseleaf_type = 0
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 16
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_warn_on_pool_no_redundancy = false
mon_max_pg_per_osd = 500

[client]
keyring = $ceph_etc/\$cluster.\$name.keyring
admin_socket =
log_file =

[mon]
mon_data = $ceph_dir/mon
keyring = $ceph_dir/mon/keyring
mon_cluster_log_file = $ceph_dir/log/cluster.log
# The disk of the machine may be rather full.
mon_data_avail_warn = 2
mon_data_avail_crit = 1
# A lone monitor has nobody to wait for; otherwise each snapshot takes a second.
paxos_propose_interval = 0.05
paxos_min_wait = 0.01

[mgr]
mgr_data = $ceph_dir/mgr
keyring = $ceph_dir/mgr/keyring
mgr_initial_modules = iostat
mgr_stats_period = 1

[osd]
osd_data = $ceph_dir/osd
keyring = $ceph_dir/osd/keyring
osd_objectstore = bluestore
bluestore_block_create = true
bluestore_block_size = $((osd_gib << 30))
# Debian's ceph-osd has no tcmalloc, so osd_memory_target does nothing.
bluestore_cache_autotune = false
bluestore_cache_size = $((osd_cache_mib << 20))
bluestore_cache_meta_ratio = 0.3
bluestore_cache_kv_ratio = 0.3
osd_op_num_shards = 2
osd_op_num_threads_per_shard = 2

[client.rgw]
rgw_frontends = beast endpoint=$host:$s3_port
rgw_data = $ceph_dir/rgw
log_file = $ceph_dir/log/\$name.log
rgw_thread_pool_size = 32
rgw_enable_usage_log = false
END
}

new_keyring() { # FILE USER CAPABILITY...
    quietly ceph ceph-authtool "$1" --create-keyring --gen-key -n "$2" "${@:3}"
    chmod 600 "$1"
}

make_monitor() {
    local admin=$ceph_etc/ceph.client.admin.keyring map=$ceph_dir/monmap keys=$ceph_dir/mon.keyring
    rm -rf "${ceph_dir:?}/mon" && mkdir "$ceph_dir/mon"
    new_keyring "$admin" client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
    new_keyring "$keys" mon. --cap mon 'allow *'
    quietly ceph ceph-authtool "$keys" --import-keyring "$admin"
    quietly ceph monmaptool --create --clobber --fsid "$ceph_fsid" \
        --addv a "[v2:$host:$monitor_port,v1:$host:$monitor_v1_port]" "$map"
    quietly ceph ceph-mon -c "$daemons_conf" --mkfs -i a --monmap "$map" --keyring "$keys"
    rm "$map" "$keys"
}

make_manager() {
    ceph auth get-or-create mgr.a mon 'allow profile mgr' osd 'allow *' >"$ceph_dir/mgr/keyring"
}

# No volume manager: the OSD's "block" is a plain sparse file.
make_osd() {
    local key
    rm -rf "${ceph_dir:?}/osd" && mkdir "$ceph_dir/osd"
    new_keyring "$ceph_dir/osd/keyring" osd.0
    key=$(ceph-authtool -p -n osd.0 "$ceph_dir/osd/keyring")
    # The same id again after a start that was cut short.
    ceph osd purge-new 0 --yes-i-really-mean-it >/dev/null 2>&1 || true
    ceph osd new "$osd_uuid" -i - >/dev/null <<<"{\"cephx_secret\": \"$key\"}"
    quietly ceph ceph-osd -c "$daemons_conf" -i 0 --mkfs --osd-uuid "$osd_uuid"
}

make_pools() {
    local pool
    # Clones that need no protected parent, as on any cluster of today.
    quietly ceph ceph osd set-require-min-compat-client mimic
    for pool in "${pools[@]}"; do
        quietly ceph ceph osd pool create "$pool" 16 16 replicated
        quietly ceph rbd -c "$daemons_conf" pool init "$pool"
    done
}

make_users() {
    local volumes
    volumes=$(caps rbd "${volume_pools[@]}")
    local images servers
    images=$(caps rbd-read-only "$images_pool")
    servers=$(caps rbd "$servers_pool")
    user glance mon 'profile rbd' osd "$(caps rbd "$images_pool")" mgr "$(caps rbd "$images_pool")"
    user cinder mon 'profile rbd' osd "$volumes, $servers, $images" mgr "$volumes"
    # Nova makes images of running servers in Glance's pool; else it would suspend them and copy.
    images=$(caps rbd "$images_pool")
    user nova mon 'profile rbd' osd "$servers, $volumes, $images" mgr "$servers"
    user rgw mon 'allow rw' osd 'allow rwx'
}

make_s3_user() {
    local key=firn secret
    secret=$(secret)
    quietly ceph radosgw-admin -c "$daemons_conf" user create --uid=firn --display-name=Firn \
        "--access-key=$key" "--secret=$secret"
    (
        umask 077
        cat >"$state/s3.env" <<END
AWS_ENDPOINT_URL=http://$host:$s3_port
AWS_ACCESS_KEY_ID=$key
AWS_SECRET_ACCESS_KEY=$secret
AWS_DEFAULT_REGION=default
END
    )
}

# Not `ceph osd stat`: the monitor goes on saying "up" of a lone OSD that was killed.
osd_active() { ceph daemon "$ceph_dir/run/osd.0.asok" status | grep '"state": "active"' >/dev/null; }

all_clean() {
    [ "$(ceph pg stat -f json | jq -r '.pg_summary | .num_pgs > 0 and
        all(.num_pg_by_state[]; .name | startswith("active+clean"))')" = true ]
}

start() {
    once ceph-monitor make_monitor
    spawn ceph-mon ceph-mon -f -c "$daemons_conf" -i a
    await ceph-mon ceph -s
    once ceph-manager make_manager
    once ceph-osd make_osd
    spawn ceph-mgr ceph-mgr -f -c "$daemons_conf" -i a
    spawn ceph-osd ceph-osd -f -c "$daemons_conf" -i 0
    await ceph-osd osd_active
    once ceph-pools make_pools
    await ceph-osd all_clean
    once ceph-users make_users
    mkdir -p "$ceph_dir/rgw"
    spawn radosgw radosgw -f -c "$daemons_conf" -n client.rgw
    await radosgw answers "$s3_port"
    once s3-user make_s3_user
}

stop() {
    end radosgw
    end ceph-osd 60
    end ceph-mgr
    end ceph-mon
}

status() { simple_status ceph-mon ceph-mgr ceph-osd radosgw; }
