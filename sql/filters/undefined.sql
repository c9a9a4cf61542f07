-- Runs that lack a field.
m.sharpe_ratio /* field */ IS NULL
