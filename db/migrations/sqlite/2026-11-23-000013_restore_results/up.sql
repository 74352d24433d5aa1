-- What a restore made, or would make, as JSON.
ALTER TABLE restores ADD COLUMN result TEXT;
