-- One row per scheduled departure, typed, with all times in UTC.
--
-- The drops give local hhmm integers (515 is 05:15) beside `time_hour`, the UTC hour of the schedule; the minutes of
-- the one and the hour of the other make the scheduled time without asking for daylight saving. The clock time of
-- the departure has no date, so the delay, which is signed and complete, says when a flight left.
SELECT
    flight_id,
    make_date(year, month, day) AS flight_date,
    CAST(CAST(time_hour AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP)
        + to_minutes(sched_dep_time % 100) AS scheduled_at,
    CAST(CAST(time_hour AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP)
        + to_minutes(sched_dep_time % 100 + CAST(dep_delay AS INTEGER)) AS departed_at,
    CAST(dep_delay AS INTEGER) AS departure_delay,
    dep_time IS NULL AS cancelled,
    carrier,
    CAST(flight AS INTEGER) AS flight_number,
    tailnum AS tail_number,
    origin,
    dest,
    CAST(distance AS INTEGER) AS distance,
    CAST(sched_dep_time // 100 * 60 + sched_dep_time % 100 AS INTEGER) AS departure_minute,
    CAST(sched_arr_time // 100 * 60 + sched_arr_time % 100 AS INTEGER) AS arrival_minute
FROM raw.flights
