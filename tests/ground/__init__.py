"""Real servers for tests: RabbitMQ, MariaDB, PostgreSQL, Keystone, Ceph.

Each is a server of Debian's own package, started on loopback with free ports and all of its state
in a folder that goes with it. Nothing of the machine's own configuration is read.
"""
