-- Punctuality by month and carrier, for the business.
SELECT
    CAST(date_trunc('month', flights.flight_date) AS DATE) AS month,
    flights.carrier,
    airlines.name AS airline,
    count(*) AS flights,
    count(*) FILTER (WHERE flights.cancelled) AS cancelled,
    count(outcomes.flight_id) AS known,
    count(*) FILTER (WHERE outcomes.late) AS late
FROM staging.flights AS flights
LEFT JOIN mart.flight_outcomes AS outcomes ON flights.flight_id = outcomes.flight_id
LEFT JOIN staging.airlines AS airlines ON flights.carrier = airlines.carrier
GROUP BY month, flights.carrier, airlines.name
