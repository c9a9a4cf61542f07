-- Runs whose parameters match a path with a value, which an index finds.
-- $1 path  such as strict $."fast_period" == 10
r.parameters @@ $1::text::jsonpath
