"""The commands of `docs/contract.md` 2: the only reader of argv and environment."""

import argparse
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, NoReturn

from harness import commands
from harness.backends.backend import Environment
from harness.backends.options import StackOptions
from harness.errors import HarnessError, NotThereYet, UsageError
from harness.tokens import DEVELOPMENT_SECRET

INTERRUPTED = 130
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LATER = {
    "fidelity": "the recordings of the real server against the engine",
    "bugs": "the catalogue of delivery bugs",
    "replay": "a recorded trace as a scenario",
    "shrink": "a smaller failing run",
    "bundle": "one file to hand over",
    "lab": "debounce policies on one input",
    "plan": "capacity under a plan's limits",
    "watch": "judge what passes on any stack",
    "doctor": "what is wrong with a stack",
}
OVERVIEW = """\
A local simulation and test harness for pipelines built on Supabase Realtime.

  harness run full_flow --pace 10        one article generation, judged, with a report
  harness open latest                    look at the report of the newest run
  harness up                             a stack to develop against, until Ctrl-C
  harness exec -- pytest my_tests        your own tests, with a stack around them
  harness list                           the scenarios that come with the harness

Exit codes: 0 valid, 1 invalid, 2 unknown (or the stack did not start), 64 wrong usage, 130 interrupted.
"""


class Parser(argparse.ArgumentParser):
    """argparse, with the exit code of the contract for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(UsageError.exit_code, f"harness: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.perform(arguments))
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("harness: interrupted; everything was taken down", file=sys.stderr)
        return INTERRUPTED


def _interruptible(work: Coroutine[Any, Any, int]) -> int:
    """Run it to its end; SIGTERM and SIGHUP end it as Ctrl-C does, with everything taken down.

    A second signal does not cut the taking down short; the watchdog of the cluster covers a SIGKILL.
    """

    async def guarded() -> int:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(name, task.cancel)
        return await task

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _up(arguments: argparse.Namespace) -> int:
    if arguments.env_file:
        raise UsageError("`up` brings a stack up; to use a running one give --env-file to run, exec or token")
    return _interruptible(commands.up(_stack(arguments), as_json=arguments.json))


def _exec(arguments: argparse.Namespace) -> int:
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise UsageError("what is to be run? For example: harness exec -- python my_test.py")
    environment = _environment(arguments.env_file)
    inherited = dict(os.environ)
    return _interruptible(commands.execute(command, _stack(arguments), inherited, environment=environment))


def _run(arguments: argparse.Namespace) -> int:
    if arguments.env_file:
        raise NotThereYet("run --env-file")
    request = commands.RunRequest(
        scenarios=tuple(arguments.scenario),
        seeds=_seeds(arguments),
        repeat=arguments.repeat,
        jobs=arguments.jobs or os.cpu_count() or 1,
        client=arguments.client,
        runs=arguments.runs,
        js_modules=_path(os.environ.get("HARNESS_JS_MODULES")),
        as_json=arguments.json,
    )
    return _interruptible(commands.run(request, _stack(arguments)))


def _list(arguments: argparse.Namespace) -> int:
    return commands.list_scenarios(as_json=arguments.json)


def _check(arguments: argparse.Namespace) -> int:
    return commands.check(arguments.history, as_json=arguments.json)


def _report(arguments: argparse.Namespace) -> int:
    return commands.report(arguments.run, runs=arguments.runs, as_json=arguments.json)


def _open(arguments: argparse.Namespace) -> int:
    return commands.open_report(arguments.run, runs=arguments.runs)


def _token(arguments: argparse.Namespace) -> int:
    environment = _environment(arguments.env_file)
    secret = environment.jwt_secret if environment else os.environ.get("JWT_SECRET", DEVELOPMENT_SECRET)
    return commands.token(secret, role=arguments.role, sub=arguments.sub, ttl=arguments.ttl, as_json=arguments.json)


def _later(arguments: argparse.Namespace) -> int:
    raise NotThereYet(f"harness {arguments.name}")


def _parser() -> Parser:
    parser = Parser(prog="harness", description=OVERVIEW, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"%(prog)s {commands.own_version()}")
    names = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)

    up = _command(names, "up", _up, "bring a stack up until Ctrl-C", "harness up --port 54321 > stack.env")
    _stack_options(up)

    exec_ = _command(names, "exec", _exec, "run a command with a stack around it", "harness exec -- python my_test.py")
    _stack_options(exec_)
    exec_.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD …", help="the command and its arguments")

    run = _command(
        names, "run", _run, "run scenarios and judge them", "harness run full_flow late_join --pace 10 --seeds 1-5"
    )
    run.add_argument("scenario", nargs="+", metavar="SCENARIO", help="a name of `harness list`, or the path of a file")
    _stack_options(run)
    _run_options(run)

    _command(names, "list", _list, "the scenarios that come with the harness", "harness list --json")

    check = _command(names, "check", _check, "judge recorded histories again", "harness check runs/latest")
    check.add_argument("history", nargs="+", type=Path, metavar="HISTORY", help="a history.jsonl or its run folder")

    for name, perform, text in (
        ("report", _report, "write the HTML report of a run again"),
        ("open", _open, "show the report of a run in a browser"),
    ):
        command = _command(names, name, perform, text, f"harness {name} latest")
        command.add_argument(
            "run", nargs="?", default="latest", metavar="RUN", help="a run folder or `latest` (the default)"
        )
        command.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the runs (default: runs)")

    token = _command(
        names, "token", _token, "a signed token", "harness token --role authenticated --sub $(uuidgen) --ttl 600"
    )
    token.add_argument("--role", required=True, help="anon, authenticated, service_role or a role of your own")
    token.add_argument("--sub", metavar="UUID", help="the user's id (claim `sub`)")
    token.add_argument("--ttl", type=float, default=3600.0, metavar="S", help="seconds until it expires (3600)")
    token.add_argument("--env-file", type=Path, help="what `harness up` printed: take its JWT_SECRET")

    for name, text in LATER.items():
        later = names.add_parser(name, help=f"{text} (not built yet)", add_help=False)
        later.add_argument("rest", nargs=argparse.REMAINDER)
        later.set_defaults(perform=_later, name=name)
    return parser


def _command(names: Any, name: str, perform: Any, text: str, example: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = names.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example:  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    command.set_defaults(perform=perform)
    return command


def _stack_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("stack")
    group.add_argument("--backend", default="embedded", help="embedded (the default; others are not built yet)")
    group.add_argument(
        "--cadence", choices=("real", "instant"), default="real", help="when changes are looked for: as the real server"
    )
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    group.add_argument("--port", type=int, default=0, help="port of the API; 0 takes a free one (the default)")
    group.add_argument("--schema", default="public", help="schema of the application's tables (public)")
    group.add_argument("--pace", type=_positive, default=1.0, help="divides the waiting times of story and application")
    group.add_argument("--env-file", type=Path, help="attach to the stack whose `harness up` printed this")
    for name in ("--limits", "--migrations", "--app", "--debounce", "--time-factor"):
        group.add_argument(name, help=argparse.SUPPRESS)


def _run_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("run")
    group.add_argument("--client", choices=("native", "js", "py"), default="native", help="who subscribes (native)")
    group.add_argument("--seed", type=int, default=1, help="seed of texts, ids and chance (1)")
    group.add_argument("--seeds", metavar="A-B", help="several seeds: 1-5 or 1,4,9")
    group.add_argument("--repeat", type=int, default=1, metavar="N", help="run each seed N times (1)")
    group.add_argument("--jobs", type=int, default=0, metavar="N", help="runs at once (number of cores)")
    group.add_argument("--runs", type=Path, default=Path("runs"), help="where run folders are written (runs)")


def _stack(arguments: argparse.Namespace) -> StackOptions:
    if arguments.backend != "embedded":
        if arguments.backend not in ("compose", "project", "memory"):
            raise UsageError(f"no backend {arguments.backend!r}: embedded, compose, project or memory")
        raise NotThereYet(f"--backend {arguments.backend}")
    for name in ("limits", "migrations", "app", "debounce", "time_factor"):
        if getattr(arguments, name) is not None:
            raise NotThereYet(f"--{name.replace('_', '-')}")
    return StackOptions(
        cadence=arguments.cadence,
        host=arguments.host,
        port=arguments.port,
        schema=arguments.schema,
        jwt_secret=_secret(arguments.host),
        pg_bin=_path(os.environ.get("HARNESS_PG_BIN")),
        pace=arguments.pace,
    )


def _secret(host: str) -> str:
    """JWT_SECRET if it is set, the well-known one on loopback, else one that nobody can guess."""
    return os.environ.get("JWT_SECRET") or (DEVELOPMENT_SECRET if host in LOOPBACK else secrets.token_urlsafe(48))


def _environment(path: Path | None) -> Environment | None:
    if path is None:
        return None
    try:
        return Environment.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _seeds(arguments: argparse.Namespace) -> tuple[int, ...]:
    if arguments.seeds is None:
        return (arguments.seed,)
    try:
        parts = [part.partition("-") for part in arguments.seeds.split(",")]
        return tuple(seed for low, _, high in parts for seed in range(int(low), int(high or low) + 1))
    except ValueError:
        raise UsageError(f"--seeds {arguments.seeds!r} is neither a range like 1-5 nor a list like 1,4,9") from None


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no positive number")
    return number


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


if __name__ == "__main__":
    sys.exit(main())
