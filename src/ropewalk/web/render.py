"""Drawing views: the Jinja environment with the product's filters, and the frame around every page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from ropewalk.access import current_caller
from ropewalk.errors import RopewalkError
from ropewalk.lineage import lineage_svg, link_pairs
from ropewalk.pipeline import Workspace
from ropewalk.web import charts, formats, grid
from ropewalk.web.assets import Assets
from ropewalk.web.bars import bar_chart
from ropewalk.web.errors import status_of
from ropewalk.web.histograms import histogram
from ropewalk.web.markdown import markdown
from ropewalk.web.xy_charts import xy_chart


@dataclass(frozen=True)
class NavItem:
    """One entry of the navigation: its name, its address, its icon and the key that follows `g`."""

    name: str
    address: str
    icon: str
    key: str

    def is_at(self, path: str) -> bool:
        """Return whether the page at `path` belongs to this entry."""
        # Every path begins with the overview's.
        if self.address == "/":
            return path == "/"
        return path == self.address or path.startswith(self.address + "/")


NAVIGATION = (
    NavItem("Overview", "/", "home", "o"),
    NavItem("Data", "/data", "data", "d"),
    NavItem("Metrics", "/metrics", "metric", "t"),
    NavItem("Questions", "/questions", "question", "q"),
    NavItem("Experiments", "/experiments", "experiment", "e"),
    NavItem("Models", "/models", "model", "m"),
    NavItem("Deployments", "/deployments", "deployment", "p"),
    NavItem("Lineage", "/lineage", "lineage", "l"),
    NavItem("History", "/history", "history", "h"),
    NavItem("SQL", "/sql", "sql", "s"),
    NavItem("Issues", "/issues", "issue", "i"),
)


class Renderer:
    """Draws views and errors as HTML pages of one project."""

    def __init__(self, project: str, environment: str, assets: Assets) -> None:
        self.assets = assets
        self._environment = _environment()
        self._environment.globals.update(
            caller=current_caller,
            project=project,
            environment=environment,
            navigation=NAVIGATION,
            asset=assets.address,
        )

    @classmethod
    def of(cls, workspace: Workspace, assets: Assets) -> Renderer:
        """Return the renderer for the project of `workspace`."""
        return cls(workspace.project.name, workspace.settings.environment, assets)

    def page(self, template: str, view: object, path: str) -> str:
        """Return the page that `template` draws of `view`, framed for the address `path`."""
        return self._environment.get_template(template).render(view=view, path=path)

    def error(self, error: RopewalkError, path: str, request_id: str) -> str:
        """Return the page that tells a person of an error."""
        template = self._environment.get_template("error.html")
        return template.render(error=error, status=status_of(error), path=path, request_id=request_id)


def column_page(name: str) -> str:
    """Return the place of the column `schema.table.column` on its table's page."""
    table, _, column = name.rpartition(".")
    return f"/data/{quote(table, safe='')}?{urlencode({'column': column})}#trace"


def _environment() -> Environment:
    environment = Environment(
        # A view's field that a template misspells is an error in a test, not an empty place on a page.
        loader=PackageLoader("ropewalk.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(formats.FILTERS)
    # Drawing functions return markup; what they put into it they have escaped.
    environment.globals.update(
        line_chart=charts.line_chart,
        bar_chart=bar_chart,
        meter=charts.meter,
        column_address=column_page,
        histogram=histogram,
        lineage_svg=lineage_svg,
        link_pairs=link_pairs,
        markdown=markdown,
        shown=grid.shown,
        xy_chart=xy_chart,
    )
    return environment
