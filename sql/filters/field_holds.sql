-- Runs with a field that is true, or neither zero nor empty.
to_jsonb(r.strategy_name /* field */) <> ALL ('{"null",false,0,"\"\"",[],"{}"}'::jsonb[])
