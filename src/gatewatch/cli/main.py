"""The command line: options in, a verb of :mod:`gatewatch.app` called, sinks out. Imports nothing heavy until a verb runs."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from gatewatch import __version__
from gatewatch.cli.configuration import audit, check_config, collect, probe_plan, reach
from gatewatch.cli.lab import lab
from gatewatch.cli.log import access, events, explain, init, scan, trace
from gatewatch.cli.option import Config
from gatewatch.errors import GatewatchError
from gatewatch.exits import MEANING, Exit

app = typer.Typer(
    name="gatewatch",
    help="Find abuse of external remote services (MITRE ATT&CK T1133) in the logs you already have.",
    epilog="Exit codes: " + "; ".join(f"{code.value} {MEANING[code]}" for code in Exit),
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_MEMORY = "dirty_decay_ms:100,muzzy_decay_ms:0"
"""How soon Polars' allocator gives memory back (it reads this when it is imported): at once but for a little, so that a longer log takes no more."""
_OBJECTS = 500_000
"""New objects between two looks for garbage: a scan makes many, none of them in cycles, and looking through all of them costs a fifth of its time."""


def list_(
    what: Annotated[str, typer.Argument(metavar="sources|rules|chains|checks|evidence|tunables|framings|outputs", help="What to list.")],
    config: Config = None,
) -> None:
    """List the sources, rules, chains, checks, evidence formats or tunables there are."""
    from gatewatch.listing import listing

    typer.echo(listing(what, config=config))


def export(
    chain: Annotated[str, typer.Argument(metavar="CHAIN", help="The id of a chain; 'gatewatch list chains' names them.")],
    to: Annotated[str, typer.Option("--to", metavar="sigma|eql|spl|kql", help="The language to write.")],
    config: Config = None,
) -> None:
    """Write a chain as Sigma rules and correlations or as a query of a SIEM, and say what that language cannot express."""
    from gatewatch.app import export as write

    typer.echo(write(chain, to, config=config), nl=False)


for verb in (scan, access, trace, events, audit, collect, reach, probe_plan, explain, list_, export, init, check_config):
    app.command(name=verb.__name__.rstrip("_").replace("_", "-"))(verb)
app.add_typer(lab, name="lab")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"gatewatch {__version__}")
        raise typer.Exit


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    """Find abuse of external remote services (MITRE ATT&CK T1133) in the logs you already have."""


def _run(call: Callable[[], Any]) -> int:
    try:
        call()
    except GatewatchError as error:
        from gatewatch.sinks.escape import escape

        sys.stderr.writelines(f"gatewatch: {escape(line)}\n" for line in str(error).splitlines())
        return int(Exit.UNREADABLE if type(error).__name__ == "InputError" else Exit.USAGE)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)
    except OSError as error:
        if error.errno != errno.EPIPE and "os error 32" not in str(error):  # polars gives the number in words only
            raise
        # the reader of a pipe went away (head, less): not an error; keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.NOTHING_FOUND)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(Exit.NOTHING_FOUND)
    return int(Exit.NOTHING_FOUND)


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """Keep still where Ctrl-C, which a native library may report once more, hits a file that the first one is just closing."""
    if not isinstance(what.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(what)


def main() -> None:
    """Run the command line and exit with one of :class:`gatewatch.exits.Exit`."""
    gc.set_threshold(_OBJECTS)
    os.environ.setdefault("_RJEM_MALLOC_CONF", _MEMORY)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads for matrices, of which there are none, spin until they sleep
    sys.unraisablehook = _unraisable
    code = _run(app)
    sys.stdout.flush()
    if code == Exit.INTERRUPTED:
        sys.stderr.write("gatewatch: stopped\n")
    sys.stderr.flush()
    # All is written. Taking modules and objects apart one by one costs a quarter of a second, and a worker may be inside a long native call.
    os._exit(code)


if __name__ == "__main__":
    main()
