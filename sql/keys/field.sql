-- What runs are grouped by: a field.
r.strategy_name /* field */
