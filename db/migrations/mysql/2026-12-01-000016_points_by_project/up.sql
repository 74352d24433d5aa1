-- InnoDB keeps rows in the order of their primary key: a project's points lie side by side in the order
-- in which they are listed, instead of anywhere by their random ids.
ALTER TABLE restore_points
    ADD UNIQUE INDEX restore_points_by_id (id),
    DROP PRIMARY KEY,
    ADD PRIMARY KEY (project_id, created_at, id),
    DROP INDEX restore_points_by_project_id_created_at_id;
