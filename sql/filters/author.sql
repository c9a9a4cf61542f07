-- Runs of a user, or of a user on a host.
-- $1 author  user or user@host
$1::text IN (unpacked(r.provenance) ->> 'user', (unpacked(r.provenance) ->> 'user') || '@' || (unpacked(r.provenance) ->> 'host'))
