CREATE TABLE leases (
    name TEXT NOT NULL,
    owner TEXT,
    generation BIGINT NOT NULL,
    lease_until TIMESTAMP NOT NULL,
    touched_at TIMESTAMP NOT NULL,
    PRIMARY KEY (name)
);
