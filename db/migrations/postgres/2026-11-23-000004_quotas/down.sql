DROP INDEX jobs_by_project_id_state;
DROP INDEX restore_points_by_project_id_usage;
DROP TABLE quotas;
