DROP TABLE job_places;
