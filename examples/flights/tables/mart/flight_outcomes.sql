-- One row per flight whose outcome is known, which is a month after it was scheduled.
-- Late for a passenger: the flight was cancelled, never landed where it should (diverted), or was more than 30 minutes late.
SELECT
    flights.flight_id,
    flights.flight_date,
    flights.cancelled,
    NOT flights.cancelled AND arrivals.arrival_delay IS NULL AS diverted,
    arrivals.arrival_delay,
    coalesce(arrivals.arrival_delay > 30, TRUE) AS late
FROM staging.flights AS flights
INNER JOIN staging.arrivals AS arrivals ON flights.flight_id = arrivals.flight_id
