-- Disks of servers that a driver took snapshots of: to be removed when their server is gone.
CREATE TABLE bases (
    id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(36) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    driver VARCHAR(255) NOT NULL,
    location LONGTEXT NOT NULL,
    snapshot_prefix VARCHAR(255) NOT NULL,
    recorded_at DATETIME(6) NOT NULL,
    checked_at DATETIME(6) NOT NULL,
    missing_since DATETIME(6),
    refusal LONGTEXT,
    PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE INDEX bases_by_checked_at_id ON bases (checked_at, id);
