# Processes of the cloud. Each bears a mark in its environment that says whose it is, and so do
# those that it starts: a process is ended for its mark, never for its name or an old pid.
# shellcheck shell=bash disable=SC2154,SC2034  # the settings; `command` is for the caller

say() { printf 'cloud: %s\n' "$*"; }
fail() {
    printf 'cloud: error: %s\n' "$*" >&2
    exit 1
}

pid_file() { echo "$state/run/$1"; }
log_file() { echo "$state/log/$1.log"; }
mark() { echo "FIRN_CLOUD_PROCESS=$state:$1"; }

# The ids of all processes of a name.
marked() { grep -lszxF "$(mark "$1")" /proc/[0-9]*/environ | cut -d/ -f3 || true; }

# Whether the main process of a name runs.
alive() {
    local pid
    pid=$(cat "$(pid_file "$1")" 2>/dev/null) &&
        grep -qszxF "$(mark "$1")" "/proc/$pid/environ"
}

# spawn NAME [VARIABLE=VALUE...] COMMAND...: starts a process that outlives the caller.
# Of a process that was killed the children are ended first.
spawn() {
    local name=$1
    shift
    alive "$name" && return
    end "$name"
    mkdir -p "$state/run" "$state/log"
    setsid env -i "PATH=$PATH" "LC_ALL=$LC_ALL" "HOME=$state/home" SPT_NOENV=1 "$(mark "$name")" \
        "$@" >>"$(log_file "$name")" 2>&1 </dev/null &
    echo $! >"$(pid_file "$name")"
    # It bears its mark as soon as it has become `env`'s child.
    until alive "$name" || ! kill -0 $! 2>/dev/null; do sleep 0.01; done
}

# end NAME [SECONDS]: SIGTERM and some patience, then SIGKILL for it and all below it.
end() {
    local name=$1 deadline=$((SECONDS + ${2:-30})) pid
    if alive "$name"; then
        pid=$(cat "$(pid_file "$name")")
        kill "$pid" 2>/dev/null || true
        while alive "$name" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
    fi
    while pid=$(marked "$name") && [ -n "$pid" ]; do
        # shellcheck disable=SC2086  # one id a word
        kill -9 $pid 2>/dev/null || true
        sleep 0.05
    done
    rm -f "$(pid_file "$name")"
}

# await NAME COMMAND...: until the command succeeds; the deadline is for a busy machine.
await() {
    local name=$1 deadline=$((SECONDS + ${FIRN_CLOUD_PATIENCE:-300}))
    shift
    until "$@" >/dev/null 2>&1; do
        if ! alive "$name"; then
            tail -n 15 "$(log_file "$name")" >&2
            fail "$name ended at its start; its log is $(log_file "$name")"
        fi
        [ "$SECONDS" -lt "$deadline" ] || fail "$name is not ready; its log is $(log_file "$name")"
        sleep 0.2
    done
}

# quietly NAME COMMAND...: output goes to the log of that name, and is shown if the command fails.
quietly() {
    local name=$1
    shift
    mkdir -p "$state/log"
    if ! "$@" >>"$(log_file "$name")" 2>&1; then
        tail -n 15 "$(log_file "$name")" >&2
        fail "'$1' failed; its log is $(log_file "$name")"
    fi
}

# once NAME COMMAND...: does what is done once in the life of a cloud.
once() {
    local name=$1
    shift
    [ ! -e "$state/done/$name" ] || return 0
    "$@"
    mkdir -p "$state/done"
    touch "$state/done/$name"
}

listens() { (exec 3<>"/dev/tcp/$host/$1") 2>/dev/null; }
answers() { curl -s -o /dev/null --max-time 20 "http://$host:$1/"; }

# as USER COMMAND...: the words that make `spawn` start it as that user.
as() {
    local user=$1
    shift
    command=(setpriv "--reuid=$user" "--regid=$user" --init-groups "$@")
}

# own_mounts SOURCE:TARGET... -- COMMAND...: the words that make `spawn` start it with these
# folders of ours in place of the machine's, which only it and its children see.
own_mounts() {
    local binds=
    while [ "$1" != -- ]; do
        mkdir -p "${1%%:*}" "${1#*:}"
        binds+="mount --bind '${1%%:*}' '${1#*:}'; "
        shift
    done
    shift
    # shellcheck disable=SC2016  # for the inner shell
    command=(unshare --mount --propagation private sh -ec "$binds"' exec "$@"' sh "$@")
}

# A service that has one process, of its own name.
simple_status() {
    local name
    for name in "$@"; do
        if alive "$name"; then
            printf '%-18s up    %6d MiB\n' "$name" "$(resident "$name")"
        else
            printf '%-18s down\n' "$name"
        fi
    done
}

# MiB of memory of all processes of a name.
resident() {
    local pid total=0 kib
    for pid in $(marked "$1"); do
        kib=$(awk '/^Rss:/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null || true)
        total=$((total + ${kib:-0}))
    done
    echo $((total / 1024))
}
