CREATE TABLE repositories (
    id VARCHAR(36) NOT NULL,
    name VARCHAR(255) NOT NULL,
    url TEXT NOT NULL,
    chunk_bytes BIGINT NOT NULL,
    status VARCHAR(32) NOT NULL,
    status_reason TEXT,
    capacity_bytes BIGINT,
    free_bytes BIGINT,
    stored_bytes BIGINT,
    virtual_bytes BIGINT,
    created_at TIMESTAMP(6) NOT NULL,
    updated_at TIMESTAMP(6) NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX repositories_by_name ON repositories (name);

CREATE TABLE restore_points (
    id VARCHAR(36) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    instance_id VARCHAR(36) NOT NULL,
    instance_name VARCHAR(255) NOT NULL,
    name VARCHAR(255),
    description TEXT,
    repository_id VARCHAR(36) NOT NULL,
    mode VARCHAR(32) NOT NULL,
    state VARCHAR(32) NOT NULL,
    consistency VARCHAR(32),
    job_id VARCHAR(36) NOT NULL,
    parent_id VARCHAR(36),
    virtual_bytes BIGINT,
    read_bytes BIGINT,
    new_bytes BIGINT,
    stored_bytes BIGINT,
    error_message TEXT,
    generation BIGINT NOT NULL,
    created_at TIMESTAMP(6) NOT NULL,
    updated_at TIMESTAMP(6) NOT NULL,
    finished_at TIMESTAMP(6),
    PRIMARY KEY (id),
    FOREIGN KEY (repository_id) REFERENCES repositories (id)
);
CREATE INDEX restore_points_by_created_at_id ON restore_points (created_at, id);
CREATE INDEX restore_points_by_project_id_created_at_id ON restore_points (project_id, created_at, id);
CREATE INDEX restore_points_by_instance_id_state_created_at ON restore_points (instance_id, state, created_at);
CREATE INDEX restore_points_by_repository_id ON restore_points (repository_id);

CREATE TABLE restore_point_disks (
    id VARCHAR(36) NOT NULL,
    point_id VARCHAR(36) NOT NULL,
    device VARCHAR(255) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    driver VARCHAR(255) NOT NULL,
    size_bytes BIGINT NOT NULL,
    read_bytes BIGINT NOT NULL,
    new_bytes BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (point_id) REFERENCES restore_points (id)
);
CREATE UNIQUE INDEX restore_point_disks_by_point_id_device ON restore_point_disks (point_id, device);

CREATE TABLE restores (
    id VARCHAR(36) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    point_id VARCHAR(36) NOT NULL,
    job_id VARCHAR(36) NOT NULL,
    target TEXT NOT NULL,
    state VARCHAR(32) NOT NULL,
    error_message TEXT,
    created_at TIMESTAMP(6) NOT NULL,
    updated_at TIMESTAMP(6) NOT NULL,
    finished_at TIMESTAMP(6),
    PRIMARY KEY (id)
);
CREATE INDEX restores_by_created_at_id ON restores (created_at, id);
CREATE INDEX restores_by_project_id_created_at_id ON restores (project_id, created_at, id);
CREATE INDEX restores_by_point_id ON restores (point_id);

CREATE TABLE jobs (
    id VARCHAR(36) NOT NULL,
    project_id VARCHAR(255) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    state VARCHAR(32) NOT NULL,
    resource_id VARCHAR(36) NOT NULL,
    repository_id VARCHAR(36),
    instance_id VARCHAR(36),
    spec TEXT NOT NULL,
    request_id VARCHAR(255) NOT NULL,
    attempts BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    lease_owner VARCHAR(255),
    lease_until TIMESTAMP(6),
    done_bytes BIGINT NOT NULL,
    total_bytes BIGINT NOT NULL,
    rate_bytes_per_second BIGINT,
    eta_seconds BIGINT,
    error_kind VARCHAR(32),
    error_message TEXT,
    created_at TIMESTAMP(6) NOT NULL,
    updated_at TIMESTAMP(6) NOT NULL,
    started_at TIMESTAMP(6),
    finished_at TIMESTAMP(6),
    PRIMARY KEY (id)
);
CREATE INDEX jobs_by_created_at_id ON jobs (created_at, id);
CREATE INDEX jobs_by_project_id_created_at_id ON jobs (project_id, created_at, id);
CREATE INDEX jobs_by_state_created_at ON jobs (state, created_at);
CREATE INDEX jobs_by_resource_id ON jobs (resource_id);
CREATE INDEX jobs_by_instance_id ON jobs (instance_id);

CREATE TABLE job_steps (
    job_id VARCHAR(36) NOT NULL,
    position BIGINT NOT NULL,
    name VARCHAR(255) NOT NULL,
    state VARCHAR(32) NOT NULL,
    output TEXT,
    started_at TIMESTAMP(6) NOT NULL,
    finished_at TIMESTAMP(6),
    PRIMARY KEY (job_id, position),
    FOREIGN KEY (job_id) REFERENCES jobs (id)
);

CREATE TABLE job_events (
    id BIGSERIAL NOT NULL PRIMARY KEY,
    job_id VARCHAR(36) NOT NULL,
    created_at TIMESTAMP(6) NOT NULL,
    level VARCHAR(32) NOT NULL,
    action VARCHAR(255) NOT NULL,
    detail TEXT NOT NULL,
    FOREIGN KEY (job_id) REFERENCES jobs (id)
);
CREATE INDEX job_events_by_job_id_id ON job_events (job_id, id);

CREATE TABLE services (
    id VARCHAR(36) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    host VARCHAR(255) NOT NULL,
    version VARCHAR(255) NOT NULL,
    started_at TIMESTAMP(6) NOT NULL,
    heartbeat_at TIMESTAMP(6) NOT NULL,
    disabled BOOLEAN NOT NULL,
    disabled_reason TEXT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX services_by_kind_host ON services (kind, host);
