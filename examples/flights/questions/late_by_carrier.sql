-- title: Which carriers are late, and when?
-- owner: operations@example.com
-- chart: line x=month y=late_share color=carrier format=percent
-- parameter: origin text = all [all, EWR, JFK, LGA]
-- parameter: least_flights integer = 500
-- Share of flights that were late for a passenger, by month; months with few flights are left out.
SELECT
    CAST(date_trunc('month', outcomes.flight_date) AS DATE) AS month,
    flights.carrier,
    count(*) AS flights,
    avg(CAST(outcomes.late AS INTEGER)) AS late_share
FROM mart.flight_outcomes AS outcomes
INNER JOIN staging.flights AS flights ON outcomes.flight_id = flights.flight_id
WHERE $origin = 'all' OR flights.origin = $origin
GROUP BY ALL
HAVING count(*) >= $least_flights
ORDER BY month, flights.carrier
