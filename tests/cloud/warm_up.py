"""Asks Neutron for networks, then ports: a fresh process fails the second without the first."""

from cloud.connection import connect

network = connect().network
list(network.networks())
list(network.ports())
