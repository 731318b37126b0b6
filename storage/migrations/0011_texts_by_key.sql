-- The writer's session keeps the planner from joining row by row, which is right for its own batches.
-- The function that a batch calls inherits that, and read half of all reports for one later text:
-- the more there were the longer the phone waited, and only the phone of somebody known. It looks
-- each report up by its key, in the order of the ids.
ALTER FUNCTION texts_added() SET enable_nestloop = on;
ALTER FUNCTION texts_added() SET enable_hashjoin = off;
ALTER FUNCTION texts_added() SET enable_mergejoin = off;
ALTER FUNCTION texts_added() SET enable_seqscan = off;
