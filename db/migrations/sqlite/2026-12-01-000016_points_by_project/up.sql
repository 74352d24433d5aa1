-- Nothing to do: rows do not lie in the order of a key here.
SELECT 1;
