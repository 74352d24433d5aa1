-- Where the instance of a job is, for limits by hypervisor and storage.
CREATE TABLE job_places (
    job_id TEXT NOT NULL,
    hypervisor TEXT,
    storages TEXT NOT NULL,
    PRIMARY KEY (job_id),
    FOREIGN KEY (job_id) REFERENCES jobs (id)
);

CREATE TRIGGER job_places_lengths_insert BEFORE INSERT ON job_places
BEGIN
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column hypervisor') WHERE length(NEW.hypervisor) > 255;
END;

CREATE TRIGGER job_places_lengths_update BEFORE UPDATE OF job_id, hypervisor ON job_places
BEGIN
    SELECT RAISE(ABORT, 'text too long for column job_id') WHERE length(NEW.job_id) > 36;
    SELECT RAISE(ABORT, 'text too long for column hypervisor') WHERE length(NEW.hypervisor) > 255;
END;
