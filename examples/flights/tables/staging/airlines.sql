-- The carriers' codes and names.
SELECT carrier, name FROM raw.airlines
