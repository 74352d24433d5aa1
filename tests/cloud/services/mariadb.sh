# MariaDB: the databases of all services. Its root logs in through the socket only.
# shellcheck shell=bash disable=SC2154  # the settings

configure() { mkdir -p "$state/mariadb"; }

make_data() {
    rm -rf "$state/mariadb" && mkdir -p "$state/mariadb/data"
    chown -R mysql: "$state/mariadb"
    quietly mariadb mariadb-install-db --no-defaults --user=mysql "--datadir=$state/mariadb/data" \
        --auth-root-authentication-method=socket --skip-test-db
}

start() {
    once mariadb make_data
    # Safe against kill -9, and quick; a power failure does not happen here.
    spawn mariadb mariadbd --no-defaults --user=mysql "--datadir=$state/mariadb/data" \
        "--bind-address=$host" "--port=$mariadb_port" "--socket=$state/mariadb/socket" \
        "--pid-file=$state/mariadb/pid" --skip-name-resolve --max-connections=500 \
        --innodb-buffer-pool-size=256M --innodb-flush-log-at-trx-commit=2 \
        --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci
    await mariadb sql 'select 1'
}

stop() { end mariadb 60; }
status() { simple_status mariadb; }
