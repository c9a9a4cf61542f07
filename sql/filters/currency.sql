-- Runs whose amounts are in a currency.
-- $1 currency
r.currency = $1
