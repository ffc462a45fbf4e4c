"""All settings as one table, read once at start, frozen, and passed in.

The table below is the only place that names a setting, its environment variable and its default; the
reference page and `--help` are generated from it. No other module reads `os.environ`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import TypeVar

from ropewalk.errors import InvalidInput, nearest

PREFIX = "ROPEWALK_"
T = TypeVar("T")


class InvalidSetting(InvalidInput):
    """A setting has a value that does not fit, or a name that is not one."""

    code = "RW101"


def _setting(default: T, help_text: str) -> T:
    # A dataclass field stands in for its default, as `dataclasses.field` itself is typed.
    return dataclass_field(default=default, metadata={"help": help_text})


@dataclass(frozen=True)
class Settings:
    """Every setting with its default; `load_settings` fills in what the environment says."""

    state_dir: str = _setting(".ropewalk", "Folder for state, lake and objects, relative to the project")
    environment: str = _setting("dev", "Environment whose pointers `ropewalk run` moves")
    host: str = _setting("127.0.0.1", "Address that `ropewalk up` listens on")
    port: int = _setting(8765, "Port that `ropewalk up` listens on")
    parallel: int = _setting(2, "How many steps may run at once")
    step_timeout: int = _setting(3600, "Seconds after which a step that names no timeout is ended")
    log_level: str = _setting("info", "Least level of log events: debug, info, warning or error")
    log_format: str = _setting("console", "Shape of log events: console or json")


def load_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """Return the settings that `environ` and then `overrides` (None means unset) ask for.

    Raises:
        InvalidSetting: a `ROPEWALK_` variable that is no setting, or a value of the wrong type.
    """
    known = {f.name: f for f in fields(Settings)}
    given: dict[str, object] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in known:
            close = nearest(name, known)
            raise InvalidSetting(
                f"{variable} is not a setting",
                nearest=PREFIX + close.upper() if close else None,
                hint="`ropewalk settings` lists them all",
            )
        given[name] = _parse(variable, text, type(known[name].default))
    given |= {name: value for name, value in overrides.items() if value is not None}
    return replace(Settings(), **given)  # type: ignore[arg-type]  # names and types were checked above


def _parse(variable: str, text: str, kind: type[object]) -> object:
    if kind is not int:
        return text
    try:
        return int(text)
    except ValueError:
        raise InvalidSetting(f"{variable} must be a whole number, not {text!r}") from None


def describe_settings() -> list[tuple[str, str, object, str]]:
    """Return (name, environment variable, default, help) of every setting, in table order."""
    return [(f.name, PREFIX + f.name.upper(), f.default, str(f.metadata["help"])) for f in fields(Settings)]


def state_path(settings: Settings, root: Path) -> Path:
    """Return the absolute folder that holds a project's state."""
    return (root / settings.state_dir).resolve()
