CREATE TABLE repositories (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    chunk_bytes BIGINT NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT,
    capacity_bytes BIGINT,
    free_bytes BIGINT,
    stored_bytes BIGINT,
    virtual_bytes BIGINT,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX repositories_by_name ON repositories (name);

CREATE TABLE restore_points (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    instance_name TEXT NOT NULL,
    name TEXT,
    description TEXT,
    repository_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    consistency TEXT,
    job_id TEXT NOT NULL,
    parent_id TEXT,
    virtual_bytes BIGINT,
    read_bytes BIGINT,
    new_bytes BIGINT,
    stored_bytes BIGINT,
    error_message TEXT,
    generation BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    PRIMARY KEY (id),
    FOREIGN KEY (repository_id) REFERENCES repositories (id)
);
CREATE INDEX restore_points_by_created_at_id ON restore_points (created_at, id);
CREATE INDEX restore_points_by_project_id_created_at_id ON restore_points (project_id, created_at, id);
CREATE INDEX restore_points_by_instance_id_state_created_at ON restore_points (instance_id, state, created_at);
CREATE INDEX restore_points_by_repository_id ON restore_points (repository_id);

CREATE TABLE restore_point_disks (
    id TEXT NOT NULL,
    point_id TEXT NOT NULL,
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    driver TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    read_bytes BIGINT NOT NULL,
    new_bytes BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (point_id) REFERENCES restore_points (id)
);
CREATE UNIQUE INDEX restore_point_disks_by_point_id_device ON restore_point_disks (point_id, device);

CREATE TABLE restores (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    point_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,
    error_message TEXT,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    PRIMARY KEY (id)
);
CREATE INDEX restores_by_created_at_id ON restores (created_at, id);
CREATE INDEX restores_by_project_id_created_at_id ON restores (project_id, created_at, id);
CREATE INDEX restores_by_point_id ON restores (point_id);

CREATE TABLE jobs (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    repository_id TEXT,
    instance_id TEXT,
    spec TEXT NOT NULL,
    request_id TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until TIMESTAMP,
    done_bytes BIGINT NOT NULL,
    total_bytes BIGINT NOT NULL,
    rate_bytes_per_second BIGINT,
    eta_seconds BIGINT,
    error_kind TEXT,
    error_message TEXT,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    finished_at TIMESTAMP,
    PRIMARY KEY (id)
);
CREATE INDEX jobs_by_created_at_id ON jobs (created_at, id);
CREATE INDEX jobs_by_project_id_created_at_id ON jobs (project_id, created_at, id);
CREATE INDEX jobs_by_state_created_at ON jobs (state, created_at);
CREATE INDEX jobs_by_resource_id ON jobs (resource_id);
CREATE INDEX jobs_by_instance_id ON jobs (instance_id);

CREATE TABLE job_steps (
    job_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    output TEXT,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    PRIMARY KEY (job_id, position),
    FOREIGN KEY (job_id) REFERENCES jobs (id)
);

CREATE TABLE job_events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    level TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL,
    FOREIGN KEY (job_id) REFERENCES jobs (id)
);
CREATE INDEX job_events_by_job_id_id ON job_events (job_id, id);

CREATE TABLE services (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    heartbeat_at TIMESTAMP NOT NULL,
    disabled BOOLEAN NOT NULL,
    disabled_reason TEXT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX services_by_kind_host ON services (kind, host);
