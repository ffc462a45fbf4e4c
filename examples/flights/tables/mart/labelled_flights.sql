-- What the model learns from and is tested on: January to July 2013. Later months leave this table as it is, so their
-- arrival does not train the model again; widen the dates to do so.
SELECT
    features.*,
    outcomes.late
FROM mart.flight_features AS features
INNER JOIN mart.flight_outcomes AS outcomes ON features.flight_id = outcomes.flight_id
WHERE features.flight_date BETWEEN DATE '2013-01-01' AND DATE '2013-07-31'
