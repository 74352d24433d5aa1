ALTER TABLE restore_points DROP COLUMN disks;
