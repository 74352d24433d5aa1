DROP TABLE services;
DROP TABLE job_events;
DROP TABLE job_steps;
DROP TABLE jobs;
DROP TABLE restores;
DROP TABLE restore_point_disks;
DROP TABLE restore_points;
DROP TABLE repositories;
