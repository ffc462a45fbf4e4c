"""What the model sees of a flight, shared by the steps."""

from __future__ import annotations

import pandas as pd

from ropewalk import Table

# All numbers, so that any engine can serve the model; airports and carriers speak through their state and place.
# Temperature and dew point stay out: they tell the month, and half a year has not shown what each month is like.
FEATURES = [
    "departure_minute",
    "arrival_minute",
    "weekday",
    "distance",
    "dest_latitude",
    "dest_longitude",
    "scheduled_last_hour",
    "origin_delay",
    "origin_delayed_share",
    "origin_waiting",
    "carrier_delay",
    "carrier_delayed_share",
    "carrier_waiting",
    "carrier_delayed_share_week",
    "humidity",
    "wind_speed",
    "wind_gust",
    "precipitation",
    "pressure",
    "visibility",
    "plane_age",
    "plane_seats",
]


def examples(flights: Table, first: str, last: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return features and outcome of the flights from day `first` to day `last`, in a fixed order."""
    frame = (
        flights.relation()
        .filter(f"flight_date BETWEEN DATE '{first}' AND DATE '{last}'")
        .order("scheduled_at, flight_id")
        .df()
    )
    return frame[FEATURES].astype("float64"), frame["late"].astype("int8")
