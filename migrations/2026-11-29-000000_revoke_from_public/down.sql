-- What PUBLIC had is not known, and nothing of ours needs it.
SELECT 1;
