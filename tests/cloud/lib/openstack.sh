# What the configurations of OpenStack's services share.
# shellcheck shell=bash disable=SC2154,SC2034  # the settings; `command` is for the caller

sql() { mariadb --no-defaults -S "$state/mariadb/socket" -u root -e "$1"; }

# database NAME...: these databases, and a user of the first's name for them.
database() {
    local name
    sql "create or replace user $1@'$host' identified by '$password'"
    for name in "$@"; do
        sql "create database if not exists $name character set utf8mb3;
            grant all on $name.* to $1@'$host'"
    done
}

# make_database SERVICE WORD...: what its manage program makes of an empty one, by these words.
make_database() {
    local command
    config "$1"
    database "$1"
    quietly "$1-manage" "$1-manage" "${command[@]}" "${@:2}"
}

database_url() { echo "mysql+pymysql://${1%%_*}:$password@$host:$mariadb_port/$1?charset=utf8"; }

# The options of a service user's login.
login() {
    cat <<END
auth_url = $auth_url
auth_type = password
username = $1
password = $password
project_name = service
user_domain_name = Default
project_domain_name = Default
END
}

# The sections that every service has: how it checks tokens, and how it speaks for a user.
shared_sections() {
    local service=$1
    cat <<END
[keystone_authtoken]
$(login "$service")
www_authenticate_uri = $auth_url
service_token_roles = service
service_token_roles_required = true

[service_user]
$(login "$service")
region_name = $region
send_service_user_token = true

[oslo_concurrency]
lock_path = $state/$service/lock

[oslo_messaging_notifications]
driver = noop
END
}

# config SERVICE: the words that make a program read our configuration and nothing of the machine's.
config() {
    mkdir -p "$state/etc/$1/conf.d"
    command=(--config-file "$state/etc/$1/$1.conf" --config-dir "$state/etc/$1/conf.d")
}

# write_config SERVICE: the standard input becomes its configuration.
write_config() {
    local folder=$state/etc/$1
    mkdir -p "$folder/conf.d" "$state/$1/lock"
    (umask 077 && cat >"$folder/$1.conf")
}

# uwsgi NAME PORT PROCESSES FILE [VARIABLE=VALUE...]: a service that is a WSGI application.
spawn_uwsgi() {
    local name=$1 port=$2 processes=$3 file=$4
    shift 4
    # Clients keep connections that uwsgi has no thread for, hence "Connection: close".
    spawn "$name" "$@" uwsgi --plugin python3 --http-socket "$host:$port" --wsgi-file "$file" \
        --master --processes "$processes" --lazy-apps --enable-threads --die-on-term \
        --buffer-size 65535 --add-header "Connection: close" --need-app --disable-logging
}
