-- Runs of a user, or of a user on a host.
-- $1 author  user or user@host
(
    SELECT $1::text IN (p ->> 'user', (p ->> 'user') || '@' || (p ->> 'host'))
      FROM (SELECT unpacked(r.provenance) AS p OFFSET 0) AS once
)
