-- Nothing to do: column types hold the lengths here.
SELECT 1;
