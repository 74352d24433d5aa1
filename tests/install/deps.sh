#!/bin/bash
# Installs what the project needs on a Debian machine, and only what is missing:
# the packages of packages.txt, and of the lists named as arguments.
# Fast and silent but for one line when everything is there already.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { printf 'deps: %s\n' "$*"; }
fail() {
    printf 'deps: error: %s\n' "$*" >&2
    exit 1
}

lists=("$here/packages.txt")
for list in "$@"; do lists+=("$here/$list"); done
mapfile -t packages < <(cat "${lists[@]}" | sed 's/#.*//' | tr -d ' \t' | grep .)

# Prints the packages that are not installed, one a line.
missing_packages() {
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
        awk '$1 == "installed" { print $2 }' || true)
    comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) <(printf '%s\n' "$installed" | sort -u)
}

# Sets `root` to what makes a command run as root, or says what an administrator has to run.
become_root() {
    if [ "$(id -u)" = 0 ]; then
        root=()
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        root=(sudo)
        sudo true # asks for the password here, where it is seen
    else
        fail "not root and sudo is not usable; ask an administrator to run:
  apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    fi
}

quietly() {
    if ! "$@" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        fail "'$*' failed (its last lines are above)"
    fi
}

# Packages of servers start them when they are installed. The tests start their own, and a
# machine that only builds wants none: Debian asks this script first.
policy=/usr/sbin/policy-rc.d
forbid_starts() {
    [ ! -e "$policy" ] || return 0
    trap 'allow_starts; rm -f "$log"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
    "${root[@]}" chmod 755 "$policy"
    forbidden=1
}
allow_starts() {
    [ -z "${forbidden:-}" ] || "${root[@]}" rm -f "$policy"
    forbidden=
}

install_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        fail "this is not a Debian machine; install the counterparts of: ${packages[*]}"
    fi
    mapfile -t missing < <(missing_packages)
    if [ "${#missing[@]}" = 0 ]; then
        say "${#packages[@]} Debian packages present"
        return
    fi
    become_root
    say "installing ${missing[*]}"
    local wait=(-o DPkg::Lock::Timeout=600)
    quietly "${root[@]}" apt-get "${wait[@]}" -q update
    forbid_starts
    # Without recommends: they drag in desktop parts of QEMU. Twice at most: where a package is there
    # in a version from elsewhere that one of these does not go with, apt removes it the first time.
    local try
    for try in 1 2; do
        quietly "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get "${wait[@]}" -q -y --no-install-recommends install "${missing[@]}"
        mapfile -t missing < <(missing_packages)
        [ "${#missing[@]}" != 0 ] || break
        [ "$try" = 2 ] || say "and what that took away: ${missing[*]}"
    done
    allow_starts
    [ "${#missing[@]}" = 0 ] || fail "still missing after installing: ${missing[*]}"
}

# The lowest Rust that the workspace states, as "1.90".
wanted_rust() { sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$here/../../Cargo.toml" | head -n 1; }

check_rust() {
    local wanted have tool
    wanted=$(wanted_rust)
    command -v cargo >/dev/null ||
        fail "cargo is not on PATH; install Rust $wanted or newer with rustup"
    have=$(cd "$here/../.." && rustc --version | awk '{ print $2 }')
    [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ] ||
        fail "Rust $have is too old: $wanted or newer is needed (rustup update stable)"
    for tool in clippy fmt; do
        (cd "$here/../.." && cargo "$tool" --version) >/dev/null 2>&1 ||
            fail "cargo $tool is missing (rustup component add clippy rustfmt)"
    done
    if ! cargo nextest --version >/dev/null 2>&1; then
        say "installing cargo-nextest (built from source, some minutes)"
        # Its own target folder: what the caller set is for this project's build.
        quietly env -u CARGO_TARGET_DIR cargo install cargo-nextest --locked
    fi
    say "Rust $have and cargo-nextest present"
}

check_python() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "python3 is older than 3.11 (Debian 12 has 3.11)"
}

install_packages
check_python
check_rust
