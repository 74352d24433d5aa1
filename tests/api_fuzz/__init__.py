"""Requests that schemathesis makes from the served OpenAPI document, valid and not, to the whole
service: Keystone, RabbitMQ, MariaDB, API, conductor and an agent with a machine.
"""
