-- Takes the right to work on a key until the transaction ends, unless another transaction has it. Two keys with the same
-- hash exclude each other, which does no harm.
SELECT pg_try_advisory_xact_lock(hashtextextended(:key, hashtext(:owner)))
