-- One row per scheduled flight with what was known two hours before its scheduled departure.
--
-- Nothing here may look past `asked_at`: a departure counts from the moment the flight left, weather from the moment
-- it was observed. The flight's own tail number is left out on purpose: it is recorded at departure, and 2,512
-- cancelled flights have none, so it would tell the model the answer. The plane that last flew the same number
-- stands in for it.
WITH asked AS (
    SELECT
        *,
        scheduled_at - INTERVAL 2 HOURS AS asked_at,
        scheduled_at - INTERVAL 6 HOURS AS since,
        scheduled_at - INTERVAL 7 DAYS AS week_since,
        count(*) OVER (
            PARTITION BY origin ORDER BY scheduled_at
            RANGE BETWEEN INTERVAL 1 HOURS PRECEDING AND CURRENT ROW
        ) AS scheduled_last_hour
    FROM staging.flights
),

departures AS (
    SELECT * FROM staging.flights WHERE NOT cancelled
),

-- What happens at the airports, in one stream: a flight becomes due, a flight leaves.
-- (Whole numbers as DOUBLE: their sums are exact in any order, and faster than those of integers.)
moments AS (
    SELECT
        origin,
        carrier,
        scheduled_at AS happened_at,
        CAST(1 AS DOUBLE) AS due,
        CAST(0 AS DOUBLE) AS gone,
        CAST(0 AS DOUBLE) AS delay,
        CAST(0 AS DOUBLE) AS delayed
    FROM staging.flights
    UNION ALL
    SELECT origin, carrier, departed_at, 0, 1, departure_delay, CAST(departure_delay > 15 AS INTEGER)
    FROM departures
),

-- Running totals; what happened in a stretch of time is the difference of two of them.
airport_totals AS (
    SELECT
        origin,
        happened_at,
        sum(sum(due)) OVER so_far AS due,
        sum(sum(gone)) OVER so_far AS gone,
        sum(sum(delay)) OVER so_far AS delay,
        sum(sum(delayed)) OVER so_far AS delayed
    FROM moments
    GROUP BY origin, happened_at
    WINDOW so_far AS (PARTITION BY origin ORDER BY happened_at)
),

carrier_totals AS (
    SELECT
        origin,
        carrier,
        happened_at,
        sum(sum(due)) OVER so_far AS due,
        sum(sum(gone)) OVER so_far AS gone,
        sum(sum(delay)) OVER so_far AS delay,
        sum(sum(delayed)) OVER so_far AS delayed
    FROM moments
    GROUP BY origin, carrier, happened_at
    WINDOW so_far AS (PARTITION BY origin, carrier ORDER BY happened_at)
)

SELECT
    asked.flight_id,
    asked.scheduled_at,
    asked.flight_date,
    asked.origin,
    asked.dest,
    asked.carrier,
    -- The schedule.
    asked.departure_minute,
    asked.arrival_minute,
    CAST(isodow(asked.flight_date) AS INTEGER) AS weekday,
    asked.distance,
    place.latitude AS dest_latitude,
    place.longitude AS dest_longitude,
    CAST(asked.scheduled_last_hour AS INTEGER) AS scheduled_last_hour,
    -- The airport, and the carrier there, between six and two hours before the departure.
    (airport.delay - airport_before.delay) / nullif(airport.gone - airport_before.gone, 0) AS origin_delay,
    (airport.delayed - airport_before.delayed) / nullif(airport.gone - airport_before.gone, 0)
        AS origin_delayed_share,
    CAST((airport.due - airport_before.due) - (airport.gone - airport_before.gone) AS INTEGER) AS origin_waiting,
    (company.delay - company_before.delay) / nullif(company.gone - company_before.gone, 0) AS carrier_delay,
    (company.delayed - company_before.delayed) / nullif(company.gone - company_before.gone, 0)
        AS carrier_delayed_share,
    CAST((company.due - company_before.due) - (company.gone - company_before.gone) AS INTEGER) AS carrier_waiting,
    (company.delayed - company_week.delayed) / nullif(company.gone - company_week.gone, 0)
        AS carrier_delayed_share_week,
    -- The latest weather, if it is not older than four hours when asked.
    weather.temperature,
    weather.dew_point,
    weather.humidity,
    weather.wind_speed,
    weather.wind_gust,
    weather.precipitation,
    weather.pressure,
    weather.visibility,
    -- The plane that last flew this number.
    CAST(date_part('year', asked.flight_date) - plane.built AS INTEGER) AS plane_age,
    plane.seats AS plane_seats
FROM asked
ASOF LEFT JOIN airport_totals AS airport
    ON asked.origin = airport.origin AND asked.asked_at >= airport.happened_at
ASOF LEFT JOIN airport_totals AS airport_before
    ON asked.origin = airport_before.origin AND asked.since > airport_before.happened_at
ASOF LEFT JOIN carrier_totals AS company
    ON asked.origin = company.origin AND asked.carrier = company.carrier AND asked.asked_at >= company.happened_at
ASOF LEFT JOIN carrier_totals AS company_before
    ON asked.origin = company_before.origin
    AND asked.carrier = company_before.carrier
    AND asked.since > company_before.happened_at
ASOF LEFT JOIN carrier_totals AS company_week
    ON asked.origin = company_week.origin
    AND asked.carrier = company_week.carrier
    AND asked.week_since > company_week.happened_at
ASOF LEFT JOIN departures AS flown
    ON asked.origin = flown.origin
    AND asked.carrier = flown.carrier
    AND asked.flight_number = flown.flight_number
    AND asked.asked_at >= flown.departed_at
ASOF LEFT JOIN staging.weather AS latest
    ON asked.origin = latest.origin AND asked.asked_at >= latest.observed_at
LEFT JOIN staging.weather AS weather
    ON latest.origin = weather.origin AND latest.observed_at = weather.observed_at
    AND weather.observed_at >= asked.since
LEFT JOIN staging.planes AS plane ON flown.tail_number = plane.tail_number
LEFT JOIN staging.airports AS place ON asked.dest = place.airport
