-- Limits of single projects; -1: none.
CREATE TABLE quotas (
    project_id VARCHAR(255) NOT NULL,
    resource VARCHAR(32) NOT NULL,
    hard_limit BIGINT NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    PRIMARY KEY (project_id, resource)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a project has is counted and summed from these alone.
CREATE INDEX restore_points_by_project_id_usage ON restore_points (project_id, instance_id, virtual_bytes, new_bytes, stored_bytes);
CREATE INDEX jobs_by_project_id_state ON jobs (project_id, state);
