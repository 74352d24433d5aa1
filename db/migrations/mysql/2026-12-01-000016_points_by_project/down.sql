ALTER TABLE restore_points
    ADD INDEX restore_points_by_project_id_created_at_id (project_id, created_at, id),
    DROP PRIMARY KEY,
    ADD PRIMARY KEY (id),
    DROP INDEX restore_points_by_id;
