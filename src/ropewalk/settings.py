"""All settings as one table, read once at start, frozen, and passed in.

The table below is the only place that names a setting, its environment variable and its default; the
reference page and `--help` are generated from it. No other module reads `os.environ`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, replace
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import TypeVar

from ropewalk.errors import InvalidInput, nearest

PREFIX = "ROPEWALK_"
# It becomes part of file names, schemas and URLs, as the names in `ropewalk.yaml` do.
ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
T = TypeVar("T")


class InvalidSetting(InvalidInput):
    """A setting has a value that does not fit, or a name that is not one."""

    code = "RW101"


def _setting(
    default: T,
    help_text: str,
    *,
    choices: tuple[str, ...] = (),
    least: int = 1,
    most: int = sys.maxsize,
    is_secret: bool = False,
) -> T:
    metadata = {"help": help_text, "choices": choices, "least": least, "most": most, "is_secret": is_secret}
    # A dataclass field stands in for its default, as `dataclasses.field` itself is typed. The text of all settings,
    # which a log or a traceback may show, leaves secrets out.
    return dataclass_field(default=default, metadata=metadata, repr=not is_secret)


@dataclass(frozen=True)
class Settings:
    """Every setting with its default; `load_settings` fills in what the environment says."""

    state_dir: str = _setting(".ropewalk", "Folder for state, lake and objects, relative to the project")
    database_url: str = _setting(
        "",
        "PostgreSQL database that keeps the metadata, in place of a file in the state folder",
        is_secret=True,
    )
    environment: str = _setting(
        "", "Environment to work in; unset, the Git branch decides: dev, branch-NAME, or mr-NUMBER in CI"
    )
    host: str = _setting("127.0.0.1", "Address that `ropewalk up` listens on")
    port: int = _setting(8765, "Port that `ropewalk up` listens on; 0 takes a free one", least=0, most=65535)
    parallel: int = _setting(2, "How many steps may run at once")
    step_timeout: int = _setting(3600, "Seconds after which a step that names no timeout is ended")
    step_log_limit: int = _setting(
        20, "Megabytes that are kept of what a step prints; of what is more, the middle is dropped"
    )
    system_metrics: int = _setting(
        0, "Seconds between samples of the machine that are logged to a step's run; 0 logs none", least=0
    )
    keep_history: int = _setting(
        30, "Days for which `ropewalk gc` keeps what an environment pointed at before", least=0
    )
    storage: str = _setting(
        "",
        "Where the lake's data are: a folder, or s3://BUCKET/PREFIX; unset, in the state folder. "
        "With a database_url, the lake's catalogue is in that database too",
    )
    author: str = _setting(
        "", "Who is written down with each snapshot of the lake; unset, GitLab CI's user, or Git's user.name"
    )
    cache: str = _setting("", "Where results are shared: a folder, or s3://BUCKET/PREFIX; unset, nowhere")
    cache_role: str = _setting(
        "untrusted",
        "Whether what is made here may be used for protected environments",
        choices=("trusted", "untrusted"),
    )
    personal_data: str = _setting(
        "masked",
        "Whether pages and answers show personal columns masked, or in the clear to whoever can ask",
        choices=("masked", "clear"),
    )
    mask_key: str = _setting(
        "",
        "Key of the hashes that stand for personal values; unset, one of the state folder's own",
        is_secret=True,
    )
    project_names: str = _setting(
        "",
        "Names besides its own by which addresses may call the project, such as its number and path in GitLab, "
        "with commas between: `42, group/flights`",
    )
    webhook_hosts: str = _setting(
        "",
        "Hosts (name or name:port, with commas between) that webhooks may call in this machine's own network, "
        "and without encryption",
    )
    artifact_storage: str = _setting(
        "",
        "Where artifacts are kept for several servers: s3://BUCKET/PREFIX; unset, beside the lake's data if those "
        "are there, else in the state folder",
    )
    secrets_key: str = _setting(
        "",
        "Key that seals kept secrets (of webhooks and the gateway), the same for all servers of a project; "
        "unset, one of the state folder's own",
        is_secret=True,
    )
    access: str = _setting(
        "local",
        "Who may ask: whoever works on this machine, or only who shows a token or logs in",
        choices=("local", "required"),
    )
    access_file: str = _setting(
        "", "YAML file that says which issuers' logins and CI jobs have which role; unset, none has"
    )
    oidc_secret: str = _setting(
        "", "Secret of this server at the issuer that people log in at", is_secret=True
    )
    public_url: str = _setting(
        "",
        "Address under which browsers reach the server, such as https://ropewalk.example.com, behind a proxy",
    )
    log_level: str = _setting(
        "info", "Least level of log events", choices=("debug", "info", "warning", "error")
    )
    log_format: str = _setting("console", "Shape of log events", choices=("console", "json"))


def load_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """Return the settings that `environ` and then `overrides` (None means unset) ask for.

    Raises:
        InvalidSetting: a `ROPEWALK_` variable that is no setting, or a value that does not fit.
    """
    known = {f.name: f for f in fields(Settings)}
    given: dict[str, object] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        # A misspelt setting that is ignored looks exactly like one that does not work.
        if name not in known:
            close = nearest(name, known)
            raise InvalidSetting(
                f"{variable} is not a setting",
                nearest=PREFIX + close.upper() if close else None,
                hint="the settings are " + ", ".join(PREFIX + name.upper() for name in known),
            )
        given[name] = _parse(text, known[name])
    given |= {name: value for name, value in overrides.items() if value is not None}
    # After both have spoken, so that options are held to the same limits as variables.
    for name, value in given.items():
        _check(value, known[name])
    return replace(Settings(), **given)  # type: ignore[arg-type]  # names and types were checked above


def _parse(text: str, setting: Field[object]) -> object:
    if not isinstance(setting.default, int):
        return text
    try:
        return int(text)
    except ValueError:
        raise InvalidSetting(f"{_variable(setting)} must be a whole number, not {text!r}") from None


def _check(value: object, setting: Field[object]) -> None:
    choices, least, most = (setting.metadata[key] for key in ("choices", "least", "most"))
    if isinstance(value, int):
        if not least <= value <= most:
            limits = f"{least} or more" if most == sys.maxsize else f"from {least} to {most}"
            raise InvalidSetting(f"{_variable(setting)} must be {limits}, not {value}")
    elif not value:
        raise InvalidSetting(f"{_variable(setting)} must not be empty", hint="unset it for its default")
    elif setting.name == "environment" and not ENVIRONMENT_NAME.fullmatch(str(value)):
        raise InvalidSetting(
            f"{_variable(setting)} must be a name, not {value!r}",
            hint="a name starts with a letter or digit and holds only these, `_`, `-` and `.`",
        )
    elif choices and value not in choices:
        raise InvalidSetting(
            f"{_variable(setting)} must be one of {', '.join(choices)}, not {value!r}",
            nearest=nearest(str(value), choices),
        )


def _variable(setting: Field[object]) -> str:
    return PREFIX + setting.name.upper()


def describe_settings() -> list[tuple[str, str, object, str]]:
    """Return (name, environment variable, default, help) of every setting, in table order."""
    return [(f.name, _variable(f), f.default, _help(f)) for f in fields(Settings)]


def _help(setting: Field[object]) -> str:
    choices = ", ".join(setting.metadata["choices"])
    return f"{setting.metadata['help']}: {choices}" if choices else str(setting.metadata["help"])


def shown_value(settings: Settings, name: str) -> object:
    """Return the value of a setting as it may be printed: a secret one without its password."""
    value = getattr(settings, name)
    is_secret = Settings.__dataclass_fields__[name].metadata["is_secret"]
    if not is_secret or not value:
        return value
    # Of an address all but the password may be seen; a key is nothing but secret.
    return without_password(value) if "://" in value else "***"


def without_password(url: str) -> str:
    """Return `url` with `***` for its password, also when it is no proper URL."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    # From the first colon to the last @: a password may have either sign inside.
    login, at, place = rest.rpartition("@")
    if at and ":" in login:
        rest = f"{login.partition(':')[0]}:***@{place}"
    return re.sub(r"(?i)((?:password|passwd|pwd)=)[^&]*", r"\1***", f"{scheme}{mark}{rest}")


def state_path(settings: Settings, root: Path) -> Path:
    """Return the absolute folder that holds a project's state."""
    return (root / settings.state_dir).resolve()
