DROP INDEX jobs_by_project_id_state ON jobs;
DROP INDEX restore_points_by_project_id_usage ON restore_points;
DROP TABLE quotas;
