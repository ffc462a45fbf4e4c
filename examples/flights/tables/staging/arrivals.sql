-- One row per flight whose outcome has landed; a flight without an arrival delay was cancelled or diverted.
SELECT
    flight_id,
    CAST(arr_delay AS INTEGER) AS arrival_delay,
    CAST(air_time AS INTEGER) AS air_minutes
FROM raw.arrivals
