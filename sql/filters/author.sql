-- Runs of a user, or of a user on a host.
-- $1 author  user or user@host
(
    -- A packed provenance is of one of few shapes, most of which name the user: those of others
    -- need not be unpacked.
    (
        jsonb_typeof(r.provenance) <> 'array'
        OR r.provenance ->> 0 IN (
            SELECT shape_id::text
              FROM shapes
             WHERE strpos(replace(template, '%%', '%'), trim('"' FROM to_jsonb(split_part($1::text, '@', 1))::text)) > 0
                OR strpos(template, '"user": "%s"') > 0
        )
    )
    AND (
        SELECT $1::text IN (p ->> 'user', (p ->> 'user') || '@' || (p ->> 'host'))
          FROM (SELECT unpacked(r.provenance) AS p OFFSET 0) AS once
    )
)
