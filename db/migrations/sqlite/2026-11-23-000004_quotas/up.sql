-- Limits of single projects; -1: none.
CREATE TABLE quotas (
    project_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    hard_limit BIGINT NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (project_id, resource),
    CONSTRAINT text_too_long CHECK (length(project_id) <= 255 AND length(resource) <= 32)
);

-- What a project has is counted and summed from these alone.
CREATE INDEX restore_points_by_project_id_usage ON restore_points (project_id, instance_id, virtual_bytes, new_bytes, stored_bytes);
CREATE INDEX jobs_by_project_id_state ON jobs (project_id, state);
