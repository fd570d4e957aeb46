"""What can be said on the command line: commands, options and their help, as `docs/contract.md` 2 has them."""

import argparse
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

from harness.errors import UsageError
from harness.plan import Compute
from harness.realtime.plans import Plan

Number = TypeVar("Number", int, float)

LONGEST_TTL_S = 100 * 365 * 24 * 3600.0

LATER = {
    "replay": "a recorded trace as a scenario",
    "shrink": "a smaller failing run",
    "bundle": "one file to hand over",
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
  harness bugs                           known delivery bugs: reproduced, convicted, explained
  harness lab debounce                   every debounce policy on the same input, in simulated time
  harness plan --limits free             how many generations at once, and which limit comes first
"""
AFTERWORD = """\
Exit codes: 0 valid, 1 invalid, 2 unknown (or the stack did not start), 64 wrong usage, 130 interrupted.
`harness COMMAND --help` has an example of each. Results go to stdout, all else to stderr.
"""


class Parser(argparse.ArgumentParser):
    """argparse, with the exit code of the contract for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(UsageError.exit_code, f"harness: {message}; see {self.prog} --help\n")


def own_version() -> str:
    return version("realtime-harness")


def parser() -> Parser:
    """All commands; what was parsed names its command as `name`."""
    whole = Parser(
        prog="harness",
        description=OVERVIEW,
        epilog=AFTERWORD,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="version", version=f"%(prog)s {own_version()}")
    names = whole.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    _stack_commands(names)
    _run_commands(names)
    _token_command(names)
    _fidelity_command(names)
    _bugs_command(names)
    _lab_command(names)
    _plan_command(names)
    for name, text in LATER.items():
        # No prefix: whatever follows, --help too, is taken, and the answer is that the command is not there yet.
        later = names.add_parser(name, help=f"{text} (not built yet)", add_help=False, prefix_chars="\0")
        later.add_argument("rest", nargs=argparse.REMAINDER)
        later.set_defaults(name=name)
    return whole


def _stack_commands(names: Any) -> None:
    up = _command(names, "up", "bring a stack up, print how to reach it, until Ctrl-C", "harness up > stack.env")
    _stack_options(up)

    exec_ = _command(
        names,
        "exec",
        "run a command with a stack around it; its exit code is that of the command",
        "harness exec --cadence instant -- python my_test.py",
    )
    exec_.usage = "%(prog)s [options] -- CMD …"
    _stack_options(exec_)
    exec_.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD …", help="the command and its arguments")

    run = _command(
        names,
        "run",
        "run scenarios, judge them and write run folders",
        "harness run full_flow late_join --pace 10 --seeds 1-5",
    )
    run.add_argument("scenario", nargs="+", metavar="SCENARIO", help="a name of `harness list`, or the path of a file")
    _stack_options(run)
    _run_options(run)


def _run_commands(names: Any) -> None:
    _command(names, "list", "the scenarios that come with the harness", "harness list --json")

    check = _command(names, "check", "judge recorded histories again, without a stack", "harness check latest")
    check.add_argument("history", nargs="+", metavar="HISTORY", help="a history.jsonl, its run folder, or `latest`")
    _runs_option(check, "where run folders are looked for")

    for name, text in (
        ("report", "write the HTML report of a run again"),
        ("open", "show the report of a run in a browser"),
    ):
        command = _command(names, name, text, f"harness {name} latest")
        command.add_argument(
            "run", nargs="?", default="latest", metavar="RUN", help="a run folder, or `latest` (the default)"
        )
        _runs_option(command, "where run folders are looked for")


def _token_command(names: Any) -> None:
    token = _command(
        names,
        "token",
        "a signed token for the running or a given stack",
        "harness token --role authenticated --sub 6f1b1c1e-5d57-4d1f-9a55-0f6f3a1c2b10 --ttl 600",
    )
    token.add_argument("--role", required=True, help="anon, authenticated, service_role or a role of your own")
    token.add_argument("--sub", metavar="UUID", help="the user's id (claim `sub`)")
    token.add_argument(
        "--ttl",
        type=_ttl,
        default=3600.0,
        metavar="S",
        help="seconds until it expires (3600); a negative number makes one that has expired",
    )
    token.add_argument("--env-file", type=Path, metavar="FILE", help="what `harness up` printed: take its JWT_SECRET")


def _fidelity_command(names: Any) -> None:
    fidelity = _command(
        names,
        "fidelity",
        "play the recordings of the real server against the engine, and grade the differences",
        "harness fidelity p02 p03 --details",
    )
    fidelity.add_argument(
        "recording", nargs="*", metavar="RECORDING", help="p04, p04_auth.v2, 'p0[1-4]*' or a path (default: all)"
    )
    fidelity.add_argument(
        "--against",
        type=Path,
        action="append",
        default=[],
        metavar="ENVFILE",
        help="play on this running stack (what `harness up` printed); twice: compare the second with the first. "
        "It writes to the stack's database",
    )
    fidelity.add_argument("--jobs", type=_count, default=6, metavar="N", help="recordings at once (6)")
    fidelity.add_argument("--fast", action="store_true", help="only recordings that end within a minute")
    fidelity.add_argument("--details", action="store_true", help="every difference, recording by recording")
    fidelity.add_argument("--save", type=Path, metavar="DIR", help="keep what came back, as recordings")


def _bugs_command(names: Any) -> None:
    bugs = _command(
        names,
        "bugs",
        "the catalogue of delivery bugs: each convicted on the accused, acquitted on the reference",
        "harness bugs B1 B7 --jobs 2",
    )
    bugs.add_argument("bug", nargs="*", metavar="CLASS", help="B1 … B28, or the name of its file (default: all)")
    bugs.add_argument("--seed", type=int, default=1, metavar="N", help="seed of texts, ids and chance (1)")
    bugs.add_argument(
        "--jobs",
        type=_count,
        metavar="N",
        help="classes at once, each in a process and with databases of its own (twice the cores)",
    )
    bugs.add_argument(
        "--time-factor",
        type=_positive,
        metavar="F",
        help="makes every interval F times shorter; 1 is real time (default: what each class says)",
    )
    _runs_option(bugs, "where run folders are written")


def _lab_command(names: Any) -> None:
    lab = _command(
        names,
        "lab",
        "every debounce policy on the same input, in simulated time: one table, and a page with the trade-off",
        "harness lab debounce --interval 100,200,400 --write-ms 20",
    )
    lab.add_argument("what", choices=("debounce",), metavar="debounce", help="what is compared")
    lab.add_argument(
        "--debounce",
        type=_words,
        metavar="POLICY,…",
        help="only these: off, as-specified, latest-wins, concatenate, per-entity, lossless (all)",
    )
    lab.add_argument(
        "--interval",
        type=_positives,
        metavar="MS,…",
        help="least intervals of the debouncers in milliseconds (50,100,200,500,1000)",
    )
    lab.add_argument(
        "--write-ms", type=_not_negative, default=2.0, metavar="MS", help="median time of a write to the database (2)"
    )
    lab.add_argument("--out", type=Path, metavar="FILE", help="where the page is written (a folder of its own in runs)")
    _input_options(lab)
    _runs_option(lab, "where the page's folder is made")


def _plan_command(names: Any) -> None:
    plan = _command(
        names,
        "plan",
        "capacity: how many generations at once under a plan's limits, and which limit comes first",
        "harness plan --limits free --subscribers 2 --events-per-s 5 --no-rls",
    )
    plan.add_argument("--limits", choices=get_args(Plan), default="selfhost", help="the limits of this plan (selfhost)")
    plan.add_argument("--subscribers", type=_count, default=1, metavar="N", help="tabs that show each generation (1)")
    plan.add_argument(
        "--events-per-s",
        type=_positive,
        metavar="R",
        help="changes of the database that a generation makes in a second (measured in the laboratory)",
    )
    plan.add_argument(
        "--debounce", default="lossless", metavar="POLICY", help="the policy under which that is measured (lossless)"
    )
    plan.add_argument(
        "--rls", action=argparse.BooleanOptionalAction, default=True, help="whether the tables have row security (yes)"
    )
    plan.add_argument(
        "--compute",
        choices=get_args(Compute),
        default="micro",
        help="the vendor's compute, for its own ceiling (micro)",
    )
    plan.add_argument("--knee", type=Path, metavar="FILE", help="a bench/latest.json: our own ceiling besides")
    _input_options(plan)


def _input_options(command: argparse.ArgumentParser) -> None:
    """Where the events come from that the laboratory debounces."""
    command.add_argument("--seed", type=int, default=1, metavar="N", help="seed of texts, ids and chance (1)")
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--history", type=Path, metavar="FILE", help="say again what a recorded run said (else: a generated article)"
    )
    source.add_argument(
        "--chunks-per-s", type=_positive, default=20.0, metavar="R", help="how fast the article is streamed (20)"
    )


def _command(names: Any, name: str, text: str, example: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = names.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example:  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    told = "no effect: stdout belongs to the command" if name == "exec" else "one JSON object on stdout"
    command.add_argument("--json", action="store_true", help=told)
    command.set_defaults(name=name)
    return command


def _stack_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("stack")
    group.add_argument(
        "--backend", default="embedded", help="embedded (the default) or compose; project and memory: not yet"
    )
    group.add_argument(
        "--cadence",
        choices=("real", "instant"),
        help="look for changes as the real server does (the default), or at once",
    )
    group.add_argument("--limits", choices=get_args(Plan), help="the limits of this plan (selfhost)")
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    group.add_argument("--port", type=_port, default=0, help="port of the API; 0 takes a free one (the default)")
    group.add_argument("--schema", default="public", help="schema of the application's tables (public)")
    group.add_argument(
        "--pace",
        type=_positive,
        default=1.0,
        metavar="X",
        help="divides the waiting times of story and application (1)",
    )
    group.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help=argparse.SUPPRESS  # `up` refuses it, and says what to do
        if command.prog.endswith(" up")
        else "attach to a stack that runs already: what its `harness up` printed",
    )
    group.add_argument("--migrations", help=argparse.SUPPRESS)


def _run_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("run")
    group.add_argument("--client", choices=("native", "js", "py"), default="native", help="who subscribes (native)")
    group.add_argument(
        "--app",
        default="reference",
        help="the application under test: reference (the default) or as-specified, the specification's own code",
    )
    group.add_argument(
        "--debounce", metavar="POLICY", help="lossless, off, latest-wins, concatenate or per-entity (the app's own)"
    )
    group.add_argument(
        "--time-factor",
        type=_positive,
        metavar="F",
        help="makes every interval of server, clients and application F times shorter (1; a bug's own for a bug)",
    )
    seeds = group.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, metavar="N", help="seed of texts, ids and chance (1)")
    seeds.add_argument("--seeds", type=_seeds, metavar="A-B", help="several seeds: 1-5 or 1,4,9")
    group.add_argument("--repeat", type=_count, default=1, metavar="N", help="run each seed N times (1)")
    group.add_argument("--jobs", type=_count, metavar="N", help="runs at once (number of cores)")
    _runs_option(group, "where run folders are written")


def _runs_option(command: Any, text: str) -> None:
    command.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help=f"{text} (runs)")


def _seeds(text: str) -> tuple[int, ...]:
    try:
        parts = [part.partition("-") for part in text.split(",")]
        seeds = tuple(seed for low, _, high in parts for seed in range(int(low), int(high or low) + 1))
    except ValueError:
        seeds = ()
    if not seeds:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a range like 1-5 nor a list like 1,4,9")
    return seeds


def _count(text: str) -> int:
    number = _number(text, int)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _port(text: str) -> int:
    number = _number(text, int)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return number


def _positive(text: str) -> float:
    number = _number(text, float)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no positive number")
    return number


def _ttl(text: str) -> float:
    number = _number(text, float)
    if not -LONGEST_TTL_S <= number <= LONGEST_TTL_S:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds within a hundred years")
    return number


def _not_negative(text: str) -> float:
    number = _number(text, float)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is less than nothing")
    return number


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in text.split(",")))


def _positives(text: str) -> tuple[float, ...]:
    return tuple(sorted({_positive(part) for part in text.split(",")}))


def _number(text: str, kind: Callable[[str], Number]) -> Number:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
