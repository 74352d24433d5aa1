# The functions of DevStack that devstack/lib/firn calls, for this cloud: thin, and to the same effect.
# shellcheck shell=bash disable=SC2154,SC2034  # the settings; what lib/firn reads

sudo() { "$@"; }
die() { fail "${*:2}"; }
is_service_enabled() { true; }

# Variables of DevStack that lib/firn starts from.
devstack_variables() {
    SERVICE_HOST=$host SERVICE_PROTOCOL=http SERVICE_PROJECT_NAME=service SERVICE_TIMEOUT=300
    SERVICE_PASSWORD=$password REGION_NAME=$region STACK_USER=root HOST_NAME=$node DEST=$state
    DATABASE_TYPE=mysql DATABASE_PASSWORD=$password DATA_DIR=$state CEPH_CONF_FILE=$state/ceph/ceph.conf
    GLANCE_CEPH_POOL=$images_pool NOVA_CEPH_POOL=$servers_pool CINDER_CEPH_POOL=${volume_pools[*]}
}

# iniset FILE SECTION OPTION VALUE: to a file in which an option stands once.
iniset() {
    local file=$1 section=$2 option=$3 value=$4
    grep -qxF "[$section]" "$file" || printf '\n[%s]\n' "$section" >>"$file"
    # The values go through the environment: awk would read escapes in variables.
    section="[$section]" line="$option = $value" awk '
        { print }
        $0 == ENVIRON["section"] { print ENVIRON["line"] }' "$file" >"$file.new"
    cat "$file.new" >"$file"
    rm "$file.new"
}

configure_keystone_authtoken_middleware() { # FILE USER [SECTION]
    local option value
    while IFS=' =' read -r option value; do
        iniset "$1" "${3:-keystone_authtoken}" "$option" "$value"
    done < <(login "$2"; echo "www_authenticate_uri = $auth_url")
}

get_transport_url() { echo "$transport_url"; }
database_connection_url() { database_url "$1"; }
recreate_database() {
    # Not `database`: Firn wants all of Unicode, which OpenStack's older services cannot have.
    sql "drop database if exists $1"
    sql "create database $1 character set utf8mb4"
    database "$1"
}
# The server's root logs in through its socket only.
mysql() { sql "${*: -1}"; }

create_service_user() { # USER [ROLE]
    local role
    openstack user show "$1" >/dev/null 2>&1 ||
        openstack user create --domain Default --password "$SERVICE_PASSWORD" "$1"
    for role in service ${2:-}; do
        openstack role add --project "$SERVICE_PROJECT_NAME" --user "$1" "$role"
    done
}

get_or_create_service() { # NAME TYPE DESCRIPTION
    openstack service show "$2" >/dev/null 2>&1 ||
        openstack service create --name "$1" --description "$3" "$2"
}

get_or_create_endpoint() { # TYPE REGION PUBLIC ADMIN INTERNAL
    local interface url
    for interface in public admin internal; do
        case $interface in public) url=$3 ;; admin) url=$4 ;; internal) url=$5 ;; esac
        openstack endpoint list --service "$1" --interface "$interface" -f value | grep . >/dev/null ||
            openstack endpoint create --region "$2" "$1" "$interface" "$url"
    done
}

run_process() { # NAME COMMAND
    local words
    read -ra words <<<"$2"
    spawn "$1" "${words[@]}"
}
stop_process() { end "$1" 90; }
wait_for_service() { await firn-api curl -sf "$2"; } # SECONDS URL
