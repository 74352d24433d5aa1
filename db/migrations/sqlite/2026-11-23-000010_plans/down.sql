DROP INDEX restore_points_by_plan_run_id;
DROP INDEX restore_points_by_plan_id_instance_id;
ALTER TABLE restore_points DROP COLUMN pinned;
ALTER TABLE restore_points DROP COLUMN plan_run_id;
ALTER TABLE restore_points DROP COLUMN plan_id;
DROP TABLE plan_run_events;
DROP TABLE plan_runs;
DROP TABLE plans;
