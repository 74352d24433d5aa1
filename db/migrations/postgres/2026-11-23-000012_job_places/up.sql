-- Where the instance of a job is, for limits by hypervisor and storage.
CREATE TABLE job_places (
    job_id VARCHAR(36) NOT NULL,
    hypervisor VARCHAR(255),
    storages TEXT NOT NULL,
    PRIMARY KEY (job_id),
    FOREIGN KEY (job_id) REFERENCES jobs (id)
);
