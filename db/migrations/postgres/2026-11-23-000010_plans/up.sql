CREATE TABLE plans (
    id VARCHAR(36) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    user_id VARCHAR(255) NOT NULL,
    trust_id VARCHAR(255),
    name VARCHAR(255) NOT NULL,
    description TEXT,
    status VARCHAR(32) NOT NULL,
    status_reason TEXT,
    instances TEXT NOT NULL,
    schedule TEXT,
    full_every BIGINT NOT NULL,
    retention TEXT NOT NULL,
    consistency VARCHAR(32) NOT NULL,
    excluded_disks TEXT NOT NULL,
    bandwidth_bytes_per_second BIGINT,
    repository_id VARCHAR(36),
    scheduled_at TIMESTAMP(6),
    next_run_at TIMESTAMP(6),
    last_run_at TIMESTAMP(6),
    last_run_status VARCHAR(32),
    revision BIGINT NOT NULL,
    created_at TIMESTAMP(6) NOT NULL,
    updated_at TIMESTAMP(6) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (repository_id) REFERENCES repositories (id)
);
CREATE INDEX plans_by_created_at_id ON plans (created_at, id);
CREATE INDEX plans_by_project_id_created_at_id ON plans (project_id, created_at, id);
CREATE INDEX plans_by_next_run_at ON plans (next_run_at);

CREATE TABLE plan_runs (
    id VARCHAR(36) NOT NULL,
    plan_id VARCHAR(36) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    scheduled_at TIMESTAMP(6) NOT NULL,
    cause VARCHAR(32) NOT NULL,
    state VARCHAR(32) NOT NULL,
    message TEXT,
    missed BIGINT NOT NULL,
    instances BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    request_id VARCHAR(255) NOT NULL,
    created_at TIMESTAMP(6) NOT NULL,
    started_at TIMESTAMP(6),
    finished_at TIMESTAMP(6),
    PRIMARY KEY (id),
    FOREIGN KEY (plan_id) REFERENCES plans (id)
);
CREATE UNIQUE INDEX plan_runs_by_plan_id_scheduled_at ON plan_runs (plan_id, scheduled_at);
CREATE INDEX plan_runs_by_state_created_at ON plan_runs (state, created_at);

CREATE TABLE plan_run_events (
    id BIGSERIAL NOT NULL PRIMARY KEY,
    run_id VARCHAR(36) NOT NULL,
    created_at TIMESTAMP(6) NOT NULL,
    level VARCHAR(32) NOT NULL,
    instance_id VARCHAR(36),
    job_id VARCHAR(36),
    detail TEXT NOT NULL,
    FOREIGN KEY (run_id) REFERENCES plan_runs (id)
);
CREATE INDEX plan_run_events_by_run_id_id ON plan_run_events (run_id, id);

ALTER TABLE restore_points ADD COLUMN plan_id VARCHAR(36);
ALTER TABLE restore_points ADD COLUMN plan_run_id VARCHAR(36);
ALTER TABLE restore_points ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX restore_points_by_plan_id_instance_id ON restore_points (plan_id, instance_id);
CREATE INDEX restore_points_by_plan_run_id ON restore_points (plan_run_id);
