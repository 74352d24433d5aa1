-- A restore point's disks as JSON. Points of the version before have theirs in restore_point_disks.
ALTER TABLE restore_points ADD COLUMN disks TEXT;
