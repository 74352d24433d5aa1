# Firn, by the functions that install it in a DevStack.
# shellcheck shell=bash disable=SC2154,SC2034  # the settings; what lib/firn reads

# shellcheck source=../lib/devstack.sh
source "$cloud_dir/lib/devstack.sh"
devstack_variables
FIRN_DIR=$repo_dir
FIRN_BIN_DIR=${FIRN_BIN_DIR:-${CARGO_TARGET_DIR:-$repo_dir/target}/release}
FIRN_CONF_DIR=$state/etc/firn
FIRN_STATE_PATH=$state/firn
FIRN_SERVICE_PORT=$firn_port
FIRN_LIBVIRT_URI="qemu:///system?socket=$state/libvirt/run/libvirt-sock"
FIRN_USE_CEPH=True
FIRN_CEPH_KEYRING_DIR=$state/ceph/etc
FIRN_CEPH_CONF=$state/ceph/etc/ceph.conf
# shellcheck source=../../../devstack/lib/firn
source "$repo_dir/devstack/lib/firn"

as_admin() {
    # shellcheck source=/dev/null
    source "$state/openrc/admin"
    "$@"
}
# There is no clouds.yaml here.
_firn_admin_openstack() { as_admin openstack "$@"; }

accounts() {
    as_admin create_firn_accounts
    create_firn_cephx_users
    as_admin create_firn_volume_type
}

# What the cloud knows of Firn, whether it runs or not.
prepare() { once firn-accounts quietly firn accounts; }

start() {
    prepare
    # Each time: programs of another build have drivers of their own, and perhaps a newer database.
    quietly firn configure_firn
    once firn quietly firn init_firn
    quietly firn "$FIRN_BIN_DIR/firn-manage" --config-file "$FIRN_CONF" db sync
    start_firn
    # By then the agent has told the conductor where Ceph is.
    await firn-conductor compgen -G "$FIRN_STATE_PATH/ceph/*.conf"
}

stop() { stop_firn; }

# What clean.sh does in a DevStack; `up firn` then makes all of it again.
clean() {
    stop_firn
    cleanup_firn
    rm -f "$state"/done/firn{,-accounts}
}
status() { simple_status firn-api firn-conductor firn-agent; }
