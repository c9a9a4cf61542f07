-- Runs whose ids lie in a range.
-- $1 low
-- $2 high
r.run_id BETWEEN $1::uuid AND $2::uuid
