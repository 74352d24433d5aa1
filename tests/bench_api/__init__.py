"""Firn's API beside cinder-api: same machine, Keystone, MariaDB, broker and client."""
