"""What the demo and the bench share: processes with deadlines, a ground that
is cleaned up on every exit, and a client of the `firn` service.

Standard library only, so that a fresh Debian machine runs it.
"""
