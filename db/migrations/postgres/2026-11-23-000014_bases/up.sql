-- Disks of servers that a driver took snapshots of: to be removed when their server is gone.
CREATE TABLE bases (
    id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(36) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    driver VARCHAR(255) NOT NULL,
    location TEXT NOT NULL,
    snapshot_prefix VARCHAR(255) NOT NULL,
    recorded_at TIMESTAMP(6) NOT NULL,
    checked_at TIMESTAMP(6) NOT NULL,
    missing_since TIMESTAMP(6),
    refusal TEXT,
    PRIMARY KEY (id)
);

CREATE INDEX bases_by_checked_at_id ON bases (checked_at, id);
