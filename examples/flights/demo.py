"""The flagship project from raw sources to a monitored deployment, by public commands only: `make demo`.

It plays the second half of 2013: month by month the deployment predicts which departures will be late, then the
company's clock moves on, the outcomes and the next departures land, and `ropewalk run` brings everything up to
date. What is done already is not done again.
"""

from __future__ import annotations

import os
import shutil
import sys
from calendar import month_name
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path

import disruptions_log
import register
import weather_api
from replay.processes import DemoFailed, answering, listening, stop_on_sigterm
from replay.product import Product
from replay.progress import Stages
from replay.summary import print_summary, summarize
from systems import FIRST_MONTH, LAST_MONTH, NoData, advance, clock

HERE = Path(__file__).resolve().parent
LANDING = HERE / "landing"
MONTHS = [*month_name, "January"]  # the clock counts on into the next year


def main() -> int:
    """Play what has not been played yet and print the summary; return the exit code."""
    stop_on_sigterm()
    # The story is one of a single environment, whatever branch this repository is on.
    os.environ["ROPEWALK_ENVIRONMENT"] = "dev"
    try:
        with ExitStack() as stack:
            stages = stack.enter_context(Stages())
            product = Product(HERE, stages.hear)
            executed = play(product, stages, stack)
            stages.begin("the summary")
            summary = summarize(product, executed)
    except (DemoFailed, NoData) as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print_summary(summary)
    return 0


def play(product: Product, stages: Stages, stack: ExitStack) -> int:
    """Bring the project to the end of the year; return how many nodes were executed on the way."""
    stages.begin("the company's systems")
    if not (HERE / ".ropewalk").exists():
        # A project without state has seen nothing yet: its story starts in July.
        shutil.rmtree(LANDING, ignore_errors=True)
    advance(LANDING, FIRST_MONTH)
    stages.expect(2 + 3 * (LAST_MONTH - clock(LANDING)))
    stack.enter_context(listening(HERE / "register.py", register.PORT, register.is_open, "the register"))
    for service in (weather_api, disruptions_log):
        script = HERE / f"{service.__name__}.py"
        stack.enter_context(answering(script, service.PORT, service.SERVICE))
    stages.begin("ropewalk run")
    executed = product.run()["executed"]
    address = ""
    while True:
        waiting = unpredicted(product)
        for month, where in waiting.items():
            stages.begin(f"{MONTHS[month]}: ropewalk predict")
            address = address or stack.enter_context(product.up())
            product.predict("late", "mart.flight_features", where, address)
        month = clock(LANDING)
        if month == LAST_MONTH and not waiting:
            return int(executed)
        if month > LAST_MONTH:
            raise DemoFailed(
                f"flights of {', '.join(MONTHS[number] for number in waiting)} get no predictions"
            )
        stages.begin(f"{MONTHS[month]} is over: files land")
        advance(LANDING, month + 1)
        stages.begin(f"{MONTHS[month]} is over: ropewalk run")
        executed += product.run()["executed"]


def unpredicted(product: Product) -> dict[int, str]:
    """Return the months with flights that have no prediction yet, and the condition for these flights."""
    where = f"flight_date >= DATE '2013-{FIRST_MONTH:02}-01'"
    if product.rows("SELECT 1 FROM information_schema.tables WHERE table_schema = 'predictions'"):
        where += " AND flight_id NOT IN (SELECT flight_id FROM predictions.late)"
    months = product.rows(
        f"SELECT DISTINCT month(flight_date) AS month FROM mart.flight_features WHERE {where}"
    )
    return {
        row["month"]: f"month(flight_date) = {row['month']} AND {where}"
        for row in sorted(months, key=itemgetter("month"))
    }


if __name__ == "__main__":
    sys.exit(main())
