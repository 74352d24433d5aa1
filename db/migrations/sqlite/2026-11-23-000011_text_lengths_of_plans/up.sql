-- The lengths that the other databases have in their column types.

CREATE TRIGGER leases_lengths_insert BEFORE INSERT ON leases
BEGIN
    SELECT RAISE(ABORT, 'text too long for column name') WHERE length(NEW.name) > 255;
    SELECT RAISE(ABORT, 'text too long for column owner') WHERE length(NEW.owner) > 255;
END;

CREATE TRIGGER leases_lengths_update BEFORE UPDATE OF name, owner ON leases
BEGIN
    SELECT RAISE(ABORT, 'text too long for column name') WHERE length(NEW.name) > 255;
    SELECT RAISE(ABORT, 'text too long for column owner') WHERE length(NEW.owner) > 255;
END;

CREATE TRIGGER plans_lengths_insert BEFORE INSERT ON plans
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column user_id') WHERE length(NEW.user_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column trust_id') WHERE length(NEW.trust_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column name') WHERE length(NEW.name) > 255;
    SELECT RAISE(ABORT, 'text too long for column status') WHERE length(NEW.status) > 32;
    SELECT RAISE(ABORT, 'text too long for column consistency') WHERE length(NEW.consistency) > 32;
    SELECT RAISE(ABORT, 'text too long for column repository_id') WHERE length(NEW.repository_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column last_run_status') WHERE length(NEW.last_run_status) > 32;
END;

CREATE TRIGGER plans_lengths_update BEFORE UPDATE OF id, project_id, user_id, trust_id, name, status, consistency, repository_id, last_run_status ON plans
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column user_id') WHERE length(NEW.user_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column trust_id') WHERE length(NEW.trust_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column name') WHERE length(NEW.name) > 255;
    SELECT RAISE(ABORT, 'text too long for column status') WHERE length(NEW.status) > 32;
    SELECT RAISE(ABORT, 'text too long for column consistency') WHERE length(NEW.consistency) > 32;
    SELECT RAISE(ABORT, 'text too long for column repository_id') WHERE length(NEW.repository_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column last_run_status') WHERE length(NEW.last_run_status) > 32;
END;

CREATE TRIGGER plan_runs_lengths_insert BEFORE INSERT ON plan_runs
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column plan_id') WHERE length(NEW.plan_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column cause') WHERE length(NEW.cause) > 32;
    SELECT RAISE(ABORT, 'text too long for column state') WHERE length(NEW.state) > 32;
    SELECT RAISE(ABORT, 'text too long for column request_id') WHERE length(NEW.request_id) > 255;
END;

CREATE TRIGGER plan_runs_lengths_update BEFORE UPDATE OF id, plan_id, project_id, cause, state, request_id ON plan_runs
BEGIN
    SELECT RAISE(ABORT, 'text too long for column id') WHERE length(NEW.id) > 36;
    SELECT RAISE(ABORT, 'text too long for column plan_id') WHERE length(NEW.plan_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column project_id') WHERE length(NEW.project_id) > 255;
    SELECT RAISE(ABORT, 'text too long for column cause') WHERE length(NEW.cause) > 32;
    SELECT RAISE(ABORT, 'text too long for column state') WHERE length(NEW.state) > 32;
    SELECT RAISE(ABORT, 'text too long for column request_id') WHERE length(NEW.request_id) > 255;
END;

CREATE TRIGGER plan_run_events_lengths_insert BEFORE INSERT ON plan_run_events
BEGIN
    SELECT RAISE(ABORT, 'text too long for column run_id') WHERE length(NEW.run_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column level') WHERE length(NEW.level) > 32;
    SELECT RAISE(ABORT, 'text too long for column instance_id') WHERE length(NEW.instance_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
END;

CREATE TRIGGER plan_run_events_lengths_update BEFORE UPDATE OF run_id, level, instance_id, job_id ON plan_run_events
BEGIN
    SELECT RAISE(ABORT, 'text too long for column run_id') WHERE length(NEW.run_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column level') WHERE length(NEW.level) > 32;
    SELECT RAISE(ABORT, 'text too long for column instance_id') WHERE length(NEW.instance_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
END;

CREATE TRIGGER restore_points_plan_lengths_insert BEFORE INSERT ON restore_points
BEGIN
    SELECT RAISE(ABORT, 'text too long for column plan_id') WHERE length(NEW.plan_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column plan_run_id') WHERE length(NEW.plan_run_id) > 36;
END;

CREATE TRIGGER restore_points_plan_lengths_update BEFORE UPDATE OF plan_id, plan_run_id ON restore_points
BEGIN
    SELECT RAISE(ABORT, 'text too long for column plan_id') WHERE length(NEW.plan_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column plan_run_id') WHERE length(NEW.plan_run_id) > 36;
END;
