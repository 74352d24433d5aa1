CREATE TABLE plans (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    trust_id TEXT,
    name TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL,
    status_reason TEXT,
    instances TEXT NOT NULL,
    schedule TEXT,
    full_every BIGINT NOT NULL,
    retention TEXT NOT NULL,
    consistency TEXT NOT NULL,
    excluded_disks TEXT NOT NULL,
    bandwidth_bytes_per_second BIGINT,
    repository_id TEXT,
    scheduled_at TIMESTAMP,
    next_run_at TIMESTAMP,
    last_run_at TIMESTAMP,
    last_run_status TEXT,
    revision BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (repository_id) REFERENCES repositories (id)
);
CREATE INDEX plans_by_created_at_id ON plans (created_at, id);
CREATE INDEX plans_by_project_id_created_at_id ON plans (project_id, created_at, id);
CREATE INDEX plans_by_next_run_at ON plans (next_run_at);

CREATE TABLE plan_runs (
    id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    scheduled_at TIMESTAMP NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL,
    message TEXT,
    missed BIGINT NOT NULL,
    instances BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    finished_at TIMESTAMP,
    PRIMARY KEY (id),
    FOREIGN KEY (plan_id) REFERENCES plans (id)
);
CREATE UNIQUE INDEX plan_runs_by_plan_id_scheduled_at ON plan_runs (plan_id, scheduled_at);
CREATE INDEX plan_runs_by_state_created_at ON plan_runs (state, created_at);

CREATE TABLE plan_run_events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    level TEXT NOT NULL,
    instance_id TEXT,
    job_id TEXT,
    detail TEXT NOT NULL,
    FOREIGN KEY (run_id) REFERENCES plan_runs (id)
);
CREATE INDEX plan_run_events_by_run_id_id ON plan_run_events (run_id, id);

ALTER TABLE restore_points ADD COLUMN plan_id TEXT;
ALTER TABLE restore_points ADD COLUMN plan_run_id TEXT;
ALTER TABLE restore_points ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX restore_points_by_plan_id_instance_id ON restore_points (plan_id, instance_id);
CREATE INDEX restore_points_by_plan_run_id ON restore_points (plan_run_id);
