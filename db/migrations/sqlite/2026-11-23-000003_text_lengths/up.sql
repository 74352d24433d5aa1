-- The lengths that the other databases have in their column types: SQLite cannot add a check to a
-- table, so triggers refuse what is too long.

CREATE TRIGGER repositories_lengths_insert BEFORE INSERT ON repositories
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column name') WHERE length(NEW.name) > 255;
    SELECT RAISE(ABORT, 'text too long for column status') WHERE length(NEW.status) > 32;
END;

CREATE TRIGGER repositories_lengths_update BEFORE UPDATE OF id, name, status ON repositories
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column name') WHERE length(NEW.name) > 255;
    SELECT RAISE(ABORT, 'text too long for column status') WHERE length(NEW.status) > 32;
END;

CREATE TRIGGER restore_points_lengths_insert BEFORE INSERT ON restore_points
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column instance_id') WHERE length(NEW.instance_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column instance_name') WHERE length(NEW.instance_name) > 255;
    SELECT RAISE(ABORT, 'text too long for column name') WHERE length(NEW.name) > 255;
    SELECT RAISE(ABORT, 'text too long for column repository_id') WHERE length(NEW.repository_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column mode') WHERE length(NEW.mode) > 32;
    SELECT RAISE(ABORT, 'text too long for column state') WHERE length(NEW.state) > 32;
    SELECT RAISE(ABORT, 'text too long for column consistency') WHERE length(NEW.consistency) > 32;
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column parent_id') WHERE length(NEW.parent_id) > 36;
END;

CREATE TRIGGER restore_points_lengths_update BEFORE UPDATE OF id, project_id, instance_id, instance_name, name, repository_id, mode, state, consistency, job_id, parent_id ON restore_points
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column instance_id') WHERE length(NEW.instance_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column instance_name') WHERE length(NEW.instance_name) > 255;
    SELECT RAISE(ABORT, 'text too long for column name') WHERE length(NEW.name) > 255;
    SELECT RAISE(ABORT, 'text too long for column repository_id') WHERE length(NEW.repository_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column mode') WHERE length(NEW.mode) > 32;
    SELECT RAISE(ABORT, 'text too long for column state') WHERE length(NEW.state) > 32;
    SELECT RAISE(ABORT, 'text too long for column consistency') WHERE length(NEW.consistency) > 32;
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column parent_id') WHERE length(NEW.parent_id) > 36;
END;

CREATE TRIGGER restore_point_disks_lengths_insert BEFORE INSERT ON restore_point_disks
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column point_id') WHERE length(NEW.point_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column device') WHERE length(NEW.device) > 255;
    SELECT RAISE(ABORT, 'text too long for column kind') WHERE length(NEW.kind) > 32;
    SELECT RAISE(ABORT, 'text too long for column driver') WHERE length(NEW.driver) > 255;
END;

CREATE TRIGGER restore_point_disks_lengths_update BEFORE UPDATE OF id, point_id, device, kind, driver ON restore_point_disks
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column point_id') WHERE length(NEW.point_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column device') WHERE length(NEW.device) > 255;
    SELECT RAISE(ABORT, 'text too long for column kind') WHERE length(NEW.kind) > 32;
    SELECT RAISE(ABORT, 'text too long for column driver') WHERE length(NEW.driver) > 255;
END;

CREATE TRIGGER restores_lengths_insert BEFORE INSERT ON restores
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column point_id') WHERE length(NEW.point_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column state') WHERE length(NEW.state) > 32;
END;

CREATE TRIGGER restores_lengths_update BEFORE UPDATE OF id, project_id, point_id, job_id, state ON restores
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column point_id') WHERE length(NEW.point_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column state') WHERE length(NEW.state) > 32;
END;

CREATE TRIGGER jobs_lengths_insert BEFORE INSERT ON jobs
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column kind') WHERE length(NEW.kind) > 32;
    SELECT RAISE(ABORT, 'text too long for column state') WHERE length(NEW.state) > 32;
    SELECT RAISE(ABORT, 'text too long for column resource_id') WHERE length(NEW.resource_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column repository_id') WHERE length(NEW.repository_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column instance_id') WHERE length(NEW.instance_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column request_id') WHERE length(NEW.request_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column lease_owner') WHERE length(NEW.lease_owner) > 255;
    SELECT RAISE(ABORT, 'text too long for column error_kind') WHERE length(NEW.error_kind) > 32;
END;

CREATE TRIGGER jobs_lengths_update BEFORE UPDATE OF id, project_id, kind, state, resource_id, repository_id, instance_id, request_id, lease_owner, error_kind ON jobs
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column kind') WHERE length(NEW.kind) > 32;
    SELECT RAISE(ABORT, 'text too long for column state') WHERE length(NEW.state) > 32;
    SELECT RAISE(ABORT, 'text too long for column resource_id') WHERE length(NEW.resource_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column repository_id') WHERE length(NEW.repository_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column instance_id') WHERE length(NEW.instance_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column request_id') WHERE length(NEW.request_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column lease_owner') WHERE length(NEW.lease_owner) > 255;
    SELECT RAISE(ABORT, 'text too long for column error_kind') WHERE length(NEW.error_kind) > 32;
END;

CREATE TRIGGER job_steps_lengths_insert BEFORE INSERT ON job_steps
BEGIN
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column name') WHERE length(NEW.name) > 255;
    SELECT RAISE(ABORT, 'text too long for column state') WHERE length(NEW.state) > 32;
END;

CREATE TRIGGER job_steps_lengths_update BEFORE UPDATE OF job_id, name, state ON job_steps
BEGIN
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column name') WHERE length(NEW.name) > 255;
    SELECT RAISE(ABORT, 'text too long for column state') WHERE length(NEW.state) > 32;
END;

CREATE TRIGGER job_events_lengths_insert BEFORE INSERT ON job_events
BEGIN
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column level') WHERE length(NEW.level) > 32;
    SELECT RAISE(ABORT, 'text too long for column action') WHERE length(NEW.action) > 255;
END;

CREATE TRIGGER job_events_lengths_update BEFORE UPDATE OF job_id, level, action ON job_events
BEGIN
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column level') WHERE length(NEW.level) > 32;
    SELECT RAISE(ABORT, 'text too long for column action') WHERE length(NEW.action) > 255;
END;

CREATE TRIGGER services_lengths_insert BEFORE INSERT ON services
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column kind') WHERE length(NEW.kind) > 32;
    SELECT RAISE(ABORT, 'text too long for column host') WHERE length(NEW.host) > 255;
    SELECT RAISE(ABORT, 'text too long for column version') WHERE length(NEW.version) > 255;
END;

CREATE TRIGGER services_lengths_update BEFORE UPDATE OF id, kind, host, version ON services
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column kind') WHERE length(NEW.kind) > 32;
    SELECT RAISE(ABORT, 'text too long for column host') WHERE length(NEW.host) > 255;
    SELECT RAISE(ABORT, 'text too long for column version') WHERE length(NEW.version) > 255;
END;
