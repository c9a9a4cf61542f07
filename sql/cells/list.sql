-- Write a list as the text of one cell.
SELECT nullif(array_to_string(r.tags /* field */, ';'), '') FROM backtest_runs AS r
