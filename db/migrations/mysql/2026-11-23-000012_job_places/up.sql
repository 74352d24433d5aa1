-- Where the instance of a job is, for limits by hypervisor and storage.
CREATE TABLE job_places (
    job_id VARCHAR(36) NOT NULL,
    hypervisor VARCHAR(255),
    storages LONGTEXT NOT NULL,
    PRIMARY KEY (job_id),
    FOREIGN KEY (job_id) REFERENCES jobs (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
