"""What the cloud's scripts do through OpenStack's own APIs.

The scripts say where it is by FIRN_CLOUD; its settings are in that folder.
"""
