-- Disks of servers that a driver took snapshots of: to be removed when their server is gone.
CREATE TABLE bases (
    id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    driver TEXT NOT NULL,
    location TEXT NOT NULL,
    snapshot_prefix TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    checked_at TIMESTAMP NOT NULL,
    missing_since TIMESTAMP,
    refusal TEXT,
    PRIMARY KEY (id)
);

CREATE INDEX bases_by_checked_at_id ON bases (checked_at, id);

CREATE TRIGGER bases_lengths_insert BEFORE INSERT ON bases
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column instance_id') WHERE length(NEW.instance_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column driver') WHERE length(NEW.driver) > 255;
    SELECT RAISE(ABORT, 'text too long for column snapshot_prefix') WHERE length(NEW.snapshot_prefix) > 255;
END;

CREATE TRIGGER bases_lengths_update BEFORE UPDATE OF id, instance_id, project_id, driver, snapshot_prefix ON bases
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column instance_id') WHERE length(NEW.instance_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column driver') WHERE length(NEW.driver) > 255;
    SELECT RAISE(ABORT, 'text too long for column snapshot_prefix') WHERE length(NEW.snapshot_prefix) > 255;
END;
