CREATE TABLE leases (
    name VARCHAR(255) NOT NULL,
    owner VARCHAR(255),
    generation BIGINT NOT NULL,
    lease_until DATETIME(6) NOT NULL,
    touched_at DATETIME(6) NOT NULL,
    PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
