-- Punctuality by day and airport, for the business; late arrivals are known once the month's arrivals have landed.
SELECT
    flights.flight_date,
    flights.origin,
    count(*) AS flights,
    count(*) FILTER (WHERE flights.cancelled) AS cancelled,
    count(outcomes.flight_id) AS known,
    count(*) FILTER (WHERE outcomes.late) AS late,
    avg(flights.departure_delay) AS mean_departure_delay
FROM staging.flights AS flights
LEFT JOIN mart.flight_outcomes AS outcomes ON flights.flight_id = outcomes.flight_id
GROUP BY flights.flight_date, flights.origin
