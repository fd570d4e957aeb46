"""The commands of `docs/contract.md` 2: the only reader of argv and environment.

What a command needs is imported when it is called: help is there at once, and a stack stands half a second sooner.
"""

import argparse
import io
import os
import secrets
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import get_args

from harness.arguments import parser
from harness.backends.environment import Environment
from harness.backends.options import BackendName, StackOptions
from harness.errors import HarnessError, NotThereYet, OutputClosed, OutputRefused, UsageError
from harness.history.secrets import hide_secrets
from harness.output import note
from harness.signals import INTERRUPTED, interruptible
from harness.tokens import DEVELOPMENT_SECRET

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST_SECRET = 32
"""Bytes: HS256 wants a key as long as its hash (RFC 7518, 3.2)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show ✓ is no reason to fail
    try:
        arguments = parser().parse_args(argv)
        return COMMANDS.get(arguments.name, _later)(arguments)
    except (OutputClosed, OutputRefused) as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter would complain at its end
        if isinstance(error, OutputRefused):
            note(str(error))
        return error.exit_code
    except HarnessError as error:
        note(hide_secrets(str(error)))
        return error.exit_code
    except KeyboardInterrupt:
        note("interrupted; everything was taken down")
        return INTERRUPTED
    except Exception:
        note(f"a fault of the harness itself, not a verdict; please report it:\n{traceback.format_exc()}")
        return HarnessError.exit_code


def _up(arguments: argparse.Namespace) -> int:
    if arguments.env_file:
        raise UsageError("`up` brings a stack up; to use a running one give --env-file to run, exec or token")
    options = _stack(arguments, None)
    from harness import stacks

    return interruptible(lambda _: stacks.up(options, as_json=arguments.json), tell=note)


def _exec(arguments: argparse.Namespace) -> int:
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise UsageError("what is to be run? For example: harness exec -- python my_test.py")
    if arguments.command[0].startswith("-") and arguments.command[0] != "--":
        raise UsageError(f"`exec` has no option {command[0]}; the command comes after --, its options after it")
    environment = _environment(arguments.env_file)
    options = _stack(arguments, environment)
    inherited = dict(os.environ)
    from harness import stacks

    return interruptible(
        lambda signals: stacks.execute(command, options, inherited, signals, environment=environment),
        tell=note,
    )


def _run(arguments: argparse.Namespace) -> int:
    environment = _environment(arguments.env_file)
    options = _stack(arguments, environment)
    from harness import batch

    request = batch.RunRequest(
        scenarios=tuple(arguments.scenario),
        seeds=arguments.seeds or (1 if arguments.seed is None else arguments.seed,),
        repeat=arguments.repeat,
        jobs=arguments.jobs or os.cpu_count() or 1,
        client=arguments.client,
        runs=arguments.runs,
        js_modules=_path(os.environ.get("HARNESS_JS_MODULES")),
        as_json=arguments.json,
        time_factor=_time_factor(arguments, environment),
        given=frozenset(name for name in ("cadence", "limits", "time_factor") if getattr(arguments, name)),
        attach_to=environment,
    )
    return interruptible(lambda _: batch.run(request, options), tell=note)


def _list(arguments: argparse.Namespace) -> int:
    from harness import commands

    return commands.list_scenarios(as_json=arguments.json)


def _check(arguments: argparse.Namespace) -> int:
    from harness import commands

    return commands.check(arguments.history, runs=arguments.runs, as_json=arguments.json)


def _report(arguments: argparse.Namespace) -> int:
    from harness import commands

    return commands.report(arguments.run, runs=arguments.runs, as_json=arguments.json)


def _open(arguments: argparse.Namespace) -> int:
    from harness import commands

    return commands.open_report(
        arguments.run, runs=arguments.runs, as_json=arguments.json, has_screen=_has_screen(sys.platform, os.environ)
    )


def _has_screen(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether a browser could show itself: on Unix without a display, `webbrowser` takes one of the terminal."""
    if platform in ("darwin", "win32"):
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _token(arguments: argparse.Namespace) -> int:
    environment = _environment(arguments.env_file)
    secret = environment.jwt_secret if environment else _secret("127.0.0.1")
    from harness import commands

    return commands.token(secret, role=arguments.role, sub=arguments.sub, ttl=arguments.ttl, as_json=arguments.json)


def _fidelity(arguments: argparse.Namespace) -> int:
    from harness.fidelity import command

    against = [environment for path in arguments.against if (environment := _environment(path))]
    request = command.request_of(arguments, against=against, pg_bin=_path(os.environ.get("HARNESS_PG_BIN")))
    return interruptible(lambda _: command.fidelity(request), tell=note)


def _bugs(arguments: argparse.Namespace) -> int:
    from harness import batch, bugs

    request = bugs.BugsRequest(
        names=tuple(arguments.bug),
        run=batch.RunRequest(
            scenarios=(),
            seeds=(arguments.seed,),
            repeat=1,
            jobs=arguments.jobs or 2 * (os.cpu_count() or 1),
            client="native",
            runs=arguments.runs,
            js_modules=None,
            as_json=arguments.json,
        ),
        time_factor=arguments.time_factor,
    )
    options = StackOptions(jwt_secret=_secret("127.0.0.1"), pg_bin=_path(os.environ.get("HARNESS_PG_BIN")))
    return interruptible(lambda _: bugs.bugs(request, options), tell=note)


def _lab(arguments: argparse.Namespace) -> int:
    from harness.lab import command, simulation

    request = command.LabRequest(
        policies=arguments.debounce or simulation.POLICY_NAMES,
        intervals_ms=arguments.interval or command.INTERVALS_MS,
        seed=arguments.seed,
        write_ms=arguments.write_ms,
        chunks_per_s=arguments.chunks_per_s,
        history=arguments.history,
        runs=arguments.runs,
        out=arguments.out,
        as_json=arguments.json,
    )
    return command.debounce(request)


def _plan(arguments: argparse.Namespace) -> int:
    from harness import planning

    request = planning.PlanRequest(
        limits=arguments.limits,
        subscribers=arguments.subscribers,
        events_per_s=arguments.events_per_s,
        debounce=arguments.debounce,
        row_security=arguments.rls,
        compute=arguments.compute,
        history=arguments.history,
        knee=arguments.knee,
        chunks_per_s=arguments.chunks_per_s,
        seed=arguments.seed,
        as_json=arguments.json,
    )
    return planning.plan(request)


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "up": _up,
    "exec": _exec,
    "run": _run,
    "list": _list,
    "check": _check,
    "report": _report,
    "open": _open,
    "token": _token,
    "fidelity": _fidelity,
    "bugs": _bugs,
    "lab": _lab,
    "plan": _plan,
}


def _later(arguments: argparse.Namespace) -> int:
    raise NotThereYet(f"harness {arguments.name}")


def _stack(arguments: argparse.Namespace, given: Environment | None) -> StackOptions:
    """What a stack of ours should be; of one that is `given`, only schema, pace and secret matter."""
    if arguments.backend not in get_args(BackendName):
        if arguments.backend not in ("project", "memory"):
            raise UsageError(f"no backend {arguments.backend!r}: embedded, compose, project or memory")
        raise NotThereYet(f"--backend {arguments.backend}")
    if arguments.migrations is not None:
        raise NotThereYet("--migrations")
    if given and (arguments.cadence or arguments.port or arguments.limits):
        raise UsageError("--cadence, --limits and --port are for a stack that is brought up, not with --env-file")
    return StackOptions(
        backend=arguments.backend,
        cadence=arguments.cadence or "real",
        limits=arguments.limits or "selfhost",
        host=arguments.host,
        port=arguments.port,
        schema=arguments.schema,
        jwt_secret=given.jwt_secret if given else _secret(arguments.host),
        pg_bin=_path(os.environ.get("HARNESS_PG_BIN")),
        pace=arguments.pace,
        app=getattr(arguments, "app", "reference"),
        debounce=getattr(arguments, "debounce", None),
    )


def _time_factor(arguments: argparse.Namespace, given: Environment | None) -> float:
    """Only what runs in this process can be hurried."""
    factor: float = arguments.time_factor or 1.0
    if factor != 1.0 and (given or arguments.backend != "embedded" or arguments.client != "native"):
        raise UsageError("--time-factor needs --backend embedded and --client native: others keep their own time")
    return factor


def _secret(host: str) -> str:
    """JWT_SECRET if it is set, the well-known one on loopback, else one that nobody can guess."""
    given = os.environ.get("JWT_SECRET")
    if given:
        return _long_enough(given, "JWT_SECRET")
    return DEVELOPMENT_SECRET if host in LOOPBACK else secrets.token_urlsafe(48)


def _long_enough(secret: str, where: str) -> str:
    if len(secret.encode()) < SHORTEST_SECRET:
        raise UsageError(
            f"{where} has {len(secret.encode())} bytes and needs {SHORTEST_SECRET} or more: "
            "`openssl rand -base64 48` makes one"
        )
    return secret


def _environment(path: Path | None) -> Environment | None:
    if path is None:
        return None
    try:
        environment = Environment.parse(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text: give what `harness up` printed") from error
    _long_enough(environment.jwt_secret, f"JWT_SECRET in {path}")
    return environment


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


if __name__ == "__main__":
    sys.exit(main())
