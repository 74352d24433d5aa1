# Runs one function of one service: `service ceph start`.
# shellcheck shell=bash disable=SC2154  # the settings

lib=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=settings.sh
source "$lib/settings.sh"
# shellcheck source=process.sh
source "$lib/process.sh"
# shellcheck source=openstack.sh
source "$lib/openstack.sh"

# In a shell of its own: all services have functions of the same names.
service() (
    # shellcheck source=/dev/null
    source "$cloud_dir/services/$1.sh"
    "$2"
)

# beside COMMAND...: starts a step; all_done waits for these, and fails if one of them failed.
pids=()
beside() {
    "$@" &
    pids+=($!)
}
all_done() {
    local pid
    for pid in "${pids[@]}"; do
        wait "$pid" || fail "a service did not start (its message is above)"
    done
    pids=()
}
