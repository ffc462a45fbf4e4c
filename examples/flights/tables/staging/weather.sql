-- Hourly observations of the three airports; a wind no station could have measured (there is one of 1,048 mph) is unknown.
SELECT
    origin,
    CAST(CAST(time_hour AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP) AS observed_at,
    temp AS temperature,
    dewp AS dew_point,
    humid AS humidity,
    CASE WHEN wind_speed < 150 THEN wind_speed END AS wind_speed,
    wind_gust,
    precip AS precipitation,
    pressure,
    visib AS visibility
FROM raw.weather
