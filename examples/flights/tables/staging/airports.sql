-- Where the airports are. Four destinations in Puerto Rico and the Virgin Islands are missing from the register.
SELECT
    faa AS airport,
    name,
    lat AS latitude,
    lon AS longitude
FROM raw.airports
