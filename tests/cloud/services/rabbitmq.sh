# RabbitMQ with an epmd of its own: the services' message bus.
# shellcheck shell=bash disable=SC2154  # the settings

configure() {
    mkdir -p "$state/rabbitmq"
    chown rabbitmq: "$state/rabbitmq"
    echo '[].' >"$state/rabbitmq/enabled_plugins"
    cat >"$state/rabbitmq/rabbitmq.conf" <<END
listeners.tcp.1 = $host:$rabbitmq_port
default_user = openstack
default_pass = $password
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
disk_free_limit.absolute = 50MB
END
    chown rabbitmq: "$state"/rabbitmq/{rabbitmq.conf,enabled_plugins}
    chmod 600 "$state/rabbitmq/rabbitmq.conf"
}

started() {
    listens "$rabbitmq_port" && awk '/Starting RabbitMQ/ { up = 0 } /Server startup complete/ { up = 1 }
        END { exit !up }' "$(log_file rabbitmq)"
}

start() {
    local command
    as rabbitmq epmd -address "$host" -port "$epmd_port"
    spawn epmd "${command[@]}"
    await epmd listens "$epmd_port"
    as rabbitmq /usr/lib/rabbitmq/bin/rabbitmq-server
    # One scheduler that sleeps when idle: the processors are for others.
    spawn rabbitmq "HOME=$state/rabbitmq" "ERL_EPMD_ADDRESS=$host" "ERL_EPMD_PORT=$epmd_port" \
        "RABBITMQ_NODENAME=firn-$rabbitmq_port@localhost" "RABBITMQ_DIST_PORT=$erlang_port" \
        "RABBITMQ_MNESIA_BASE=$state/rabbitmq/mnesia" "RABBITMQ_LOG_BASE=$state/rabbitmq/log" \
        RABBITMQ_LOGS=- "RABBITMQ_CONFIG_FILE=$state/rabbitmq/rabbitmq" \
        "RABBITMQ_CONF_ENV_FILE=$state/rabbitmq/none" \
        "RABBITMQ_ENABLED_PLUGINS_FILE=$state/rabbitmq/enabled_plugins" \
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none" \
        "${command[@]}"
    await rabbitmq started
}

stop() {
    end rabbitmq
    end epmd 0
}
status() { simple_status epmd rabbitmq; }
