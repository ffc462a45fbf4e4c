-- The fleet register; the year of some planes is not known.
SELECT
    tailnum AS tail_number,
    CAST(year AS INTEGER) AS built,
    CAST(seats AS INTEGER) AS seats
FROM raw.planes
