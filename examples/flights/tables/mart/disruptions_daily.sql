-- What went wrong each day at each airport, for the business.
SELECT
    CAST(timezone('America/New_York', happened_at) AS DATE) AS flight_date,
    origin,
    count(*) FILTER (WHERE what = 'cancelled') AS cancelled,
    count(*) FILTER (WHERE what = 'diverted') AS diverted,
    count(*) FILTER (WHERE what = 'delayed') AS very_late,
    max(minutes) AS longest_delay
FROM raw.disruptions
GROUP BY flight_date, origin
