# Keystone under uwsgi, with the accounts and the catalog of all services.
# shellcheck shell=bash disable=SC2154  # the settings

configure() {
    write_config keystone <<END
[DEFAULT]
use_stderr = true
[database]
connection = $(database_url keystone)
[token]
provider = fernet
expiration = 14400
[fernet_tokens]
key_repository = $state/keystone/fernet
[fernet_receipts]
key_repository = $state/keystone/fernet
[credential]
key_repository = $state/keystone/credential
[identity]
# The least work that bcrypt allows: these passwords are nobody's.
password_hash_rounds = 4
[cache]
enabled = false
END
}

make_data() {
    local command manage
    config keystone
    manage=(quietly keystone-manage keystone-manage "${command[@]}")
    local own=(--keystone-user root --keystone-group root)
    database keystone
    "${manage[@]}" db_sync
    "${manage[@]}" fernet_setup "${own[@]}"
    "${manage[@]}" credential_setup "${own[@]}"
    OS_BOOTSTRAP_PASSWORD=$password "${manage[@]}" bootstrap --bootstrap-region-id "$region" \
        --bootstrap-{admin,internal,public}-url="$auth_url"
}

start() {
    once keystone make_data
    spawn_uwsgi keystone "$keystone_port" 2 /usr/bin/keystone-wsgi-public \
        "OS_KEYSTONE_CONFIG_DIR=$state/etc/keystone/"
    await keystone curl -fs "$auth_url"
    once accounts quietly accounts python3 -m cloud.accounts
}

stop() { end keystone; }
status() { simple_status keystone; }
