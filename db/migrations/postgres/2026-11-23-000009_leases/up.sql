CREATE TABLE leases (
    name VARCHAR(255) NOT NULL,
    owner VARCHAR(255),
    generation BIGINT NOT NULL,
    lease_until TIMESTAMP(6) NOT NULL,
    touched_at TIMESTAMP(6) NOT NULL,
    PRIMARY KEY (name)
);
