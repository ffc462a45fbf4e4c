"""The command `ropewalk`: a group whose sub-commands are imported only when one of them is called."""

from __future__ import annotations

import importlib
import keyword
import os
import sys
from pathlib import Path

import click

import ropewalk
from ropewalk.cli.errors import WrongUsage, report_error, wrong_usage
from ropewalk.errors import RopewalkError, internal_error, nearest

# Name -> what `ropewalk --help` says of it; the module of the same name holds the command.
COMMANDS = {
    "init": "Make a small project of your own here",
    "import": "Move a project in: dbt, mlflow, or an export",
    "plan": "Show what a run would do, and why; changes nothing",
    "run": "Bring tables, models and deployments up to date",
    "test": "Test tables: unit tests, and contracts' checks",
    "why": "Say why a node is stale, or that it is fresh",
    "reproduce": "Do an earlier run again, and compare what comes out",
    "bisect": "Find what turned a metric: commit, data or package",
    "status": "Show what is recorded for every node",
    "runs": "List past runs, look at one, or end one",
    "experiments": "Find, compare, move and delete tracked runs",
    "logs": "Print what a step of a run printed",
    "sql": "Ask the lake a question in SQL; read only",
    "metric": "List, show and ask for metrics",
    "ask": "Answer a saved question",
    "contract": "Check, draft, lint and compare contracts",
    "glossary": "List terms, and columns that should map to one",
    "catalog": "Find tables, columns, terms and owners by words",
    "profile": "Show what the values of a table are like",
    "diff": "Show what changed in the data, row by row",
    "lake": "Look after snapshots, pins and files of the lake",
    "graph": "Draw what the project declares",
    "lineage": "Show what a node was made from, and what from it",
    "impact": "Show what a change reaches, down to models and people",
    "predict": "Have a deployment predict rows of a table or file",
    "schedule": "Show what becomes due when, or run it as it does",
    "env": "List, show, compare and drop environments",
    "promote": "Write the release of an environment, to be reviewed",
    "apply": "Make an environment what its release says",
    "publish": "Make sure that others read what is published",
    "model": "Show, review, check and describe model versions",
    "export": "Write experiments, runs and models to a folder",
    "cache": "Share results with other machines",
    "gc": "Remove what nothing stands for any more",
    "up": "Serve pages, tracking and predictions on this machine",
    "user": "Add, list and remove users, and their roles",
    "token": "Make, list and revoke tokens",
    "webhook": "Add, test and list webhooks, and deliveries",
    "audit": "Show who did what, from where and when",
    "settings": "List every setting, its variable and its value",
    "database": "Move the metadata to a server, or back",
    "schema": "Print the JSON Schema of ropewalk.yaml, for editors",
    "explain": "Explain an error code",
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        # `import` can be said on a command line, but no module can be called so.
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f"ropewalk.cli.commands.{name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does, with the nearest name for one that does not exist."""
        # click offers no nearest name for commands, and its complaint has no code.
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise WrongUsage(
                f"there is no command {args[0]!r}",
                nearest=nearest(args[0], COMMANDS),
                hint="`ropewalk --help` lists them",
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "--directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Look for the project here instead of in the current folder.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks and details of errors.")
@click.version_option(ropewalk.__version__, prog_name="ropewalk")
@click.pass_context
def cli(context: click.Context, directory: Path, debug: bool) -> None:
    """Ship data, models and software together from one Git repository."""
    context.obj = {"directory": directory, "debug": debug}


def main() -> None:
    """Run the command line of this process and exit with the code that tells how it went."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # A reader that has seen enough, such as `head`, is no error; the last flush at exit must find someone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; whatever goes wrong is told on stderr (or as JSON on stdout)."""
    try:
        # Not standalone: click would print its own traceback for our errors and exit with its own codes.
        code = cli.main(arguments, prog_name="ropewalk", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return 130
    except BrokenPipeError:
        return 141
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # the process's boundary: see _as_ours
        return report_error(_as_ours(error), as_json="--json" in arguments, debug="--debug" in arguments)
    return code if isinstance(code, int) else 0


def _as_ours(error: Exception) -> RopewalkError:
    """Return what is to be told of `error`: a bug is told like any other error, its traceback only on request."""
    if isinstance(error, RopewalkError):
        return error
    return wrong_usage(error) if isinstance(error, click.ClickException) else internal_error(error)


if __name__ == "__main__":
    main()
