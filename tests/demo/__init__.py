"""`make demo`: one guest, two points in time, two restores, every byte compared."""
