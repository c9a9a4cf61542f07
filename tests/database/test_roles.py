"""What the two roles of a shared store may do, and what they may not."""

from collections.abc import Callable

import psycopg

READ = "SELECT * FROM backtest_runs LEFT JOIN performance_metrics USING (run_id)"
DELETE = "DELETE FROM backtest_runs"
INSERT = "INSERT INTO backtest_runs SELECT (jsonb_populate_record(r, '{}')).* FROM backtest_runs r"
UPDATE = "UPDATE backtest_runs SET note = 'better'"
ALTER = "ALTER TABLE performance_metrics ADD COLUMN luck ratio"

Session = Callable[[str], "psycopg.Connection[tuple[object, ...]]"]
