-- title: The worst days
-- owner: operations@example.com
-- chart: bar x=flight_date y=late_share format=percent
-- parameter: origin text = EWR [EWR, JFK, LGA]
-- The ten days on which the greatest share of an airport's flights was late.
SELECT flight_date, flights, late, late / known AS late_share
FROM mart.departures_daily
WHERE origin = $origin AND known > 0
ORDER BY late_share DESC, flight_date
LIMIT 10
