# A libvirtd of our own: its /etc, /run and /var are folders of the cloud's, which it alone sees in
# their usual places. Its socket is $state/libvirt/run/libvirt-sock.
# shellcheck shell=bash disable=SC2154  # the settings

libvirt_dir=$state/libvirt
libvirt_uri="qemu:///system?socket=$libvirt_dir/run/libvirt-sock"

configure() {
    mkdir -p "$libvirt_dir"/{etc,run,var,cache,log}
    : >"$libvirt_dir/etc/libvirtd.conf"
    # No systemd, no virtlogd, no security module: QEMU runs as root and writes its own logs.
    cat >"$libvirt_dir/etc/qemu.conf" <<END
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
END
}

virsh() { command virsh -q -c "$libvirt_uri" "$@"; }

# The key that QEMU opens disks of a cephx user with.
give_key() { # USER UUID
    virsh secret-define /dev/stdin <<END
<secret ephemeral='no' private='no'>
  <uuid>$2</uuid>
  <usage type='ceph'><name>client.$1</name></usage>
</secret>
END
    ceph-authtool -p -n "client.$1" "$state/ceph/etc/ceph.client.$1.keyring" |
        virsh secret-set-value "$2" --file /dev/stdin
}

start() {
    local command
    own_mounts "$libvirt_dir/etc:/etc/libvirt" "$libvirt_dir/run:/run/libvirt" \
        "$libvirt_dir/var:/var/lib/libvirt" "$libvirt_dir/cache:/var/cache/libvirt" \
        "$libvirt_dir/log:/var/log/libvirt" "$state/ceph/etc:/etc/ceph" -- \
        libvirtd --config /etc/libvirt/libvirtd.conf --pid-file /run/libvirt/libvirtd.pid
    spawn libvirtd "${command[@]}"
    await libvirtd virsh version
    quietly libvirt-secrets give_key nova "$nova_secret"
    quietly libvirt-secrets give_key cinder "$cinder_secret"
}

# Guests as a power failure would end them; Nova starts them again. They are the processes that
# see our folder as /run/libvirt: also those that a killed libvirtd left and a new one does not know.
stop() {
    local process
    end libvirtd
    for process in /proc/[0-9]*; do
        if [ "$process/root/run/libvirt" -ef "$libvirt_dir/run" ]; then
            kill -9 "${process#/proc/}" 2>/dev/null || true
        fi
    done
}
status() { simple_status libvirtd; }
