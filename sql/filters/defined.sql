-- Runs that have a field.
m.sharpe_ratio /* field */ IS NOT NULL
