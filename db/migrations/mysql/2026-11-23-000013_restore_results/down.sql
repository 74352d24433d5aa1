ALTER TABLE restores DROP COLUMN result;
