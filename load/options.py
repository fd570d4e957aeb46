"""Locust's command line and web form for a load run, and what was chosen there as a `Plan`.

The stack is named by `--env-file` (variable `HARNESS_ENV_FILE`), or by the variables that `harness up` prints: Locust's
own parser reads the environment.
"""

from collections.abc import Collection, Mapping
from dataclasses import fields
from math import isfinite
from pathlib import Path
from typing import Any

from harness.backends.environment import Environment
from harness.errors import UsageError
from load.plan import APPS, DEBOUNCES, LEAST_EVENTS, OTHERS, OWN, SHAPES, TRANSPORTS, Plan

_DEFAULTS = Plan()


def add_options(parser: Any) -> None:
    """Add them to Locust's parser, outside of any group, since those of a group are not in the web form."""
    add_debounce(parser)
    add_choices(parser)
    add_numbers(parser)
    parser.add_argument("--stack-pid", type=int, help="process of the stack, to be measured", include_in_web_ui=False)
    parser.add_argument("--folder", help="where the run is written (runs/load/<time>-<seed>)", include_in_web_ui=False)
    _stack_options(parser)


def add_debounce(parser: Any) -> None:
    """The policy of the one run that is meant."""
    parser.add_argument(
        "--debounce",
        choices=(OWN, *DEBOUNCES, *OTHERS),
        default=OWN,
        help="which policy holds events back; own is that of the application: lossless for the reference",
    )


def add_choices(parser: Any, *, compared: str = "") -> None:
    """What else there is to choose: the same options for Locust and for `python -m load`; not what is `compared`."""
    for name, choices, text in (
        ("app", tuple(APPS), "whose code publishes"),
        ("transport", TRANSPORTS, "how a row comes to its readers"),
        ("shape", tuple(SHAPES), "how the offered rate goes with time"),
    ):
        if name == compared:
            continue
        default = getattr(_DEFAULTS, name)
        parser.add_argument(f"--{name}", choices=choices, default=default, help=f"{text} ({default})")


def add_numbers(parser: Any, *, defaults: Plan = _DEFAULTS, computed: Collection[str] = ()) -> None:
    """How much is offered: the same options for Locust and for `python -m load`; not what is `computed`."""
    for name, kind, text in (
        ("seed", int, "the same seed offers the same events"),
        ("generations", int, "articles that each writer writes, one after another"),
        ("writers", int, "articles that are written at once, each in a process of its own"),
        ("readers", int, "readers of each generation"),
        ("churners", int, "tabs that come and go, all in all"),
        ("storm", int, "tabs that lose their sockets all at once in the middle, all in all"),
        ("rate", float, "events per second of each writer"),
        ("seconds", float, "how long they write (give no --run-time: the run ends by itself)"),
        ("warm-up", float, "seconds of which no latency is counted"),
        ("settle", float, "at most so many seconds are waited for what is missing at the end"),
    ):
        if name in computed:
            continue
        default = getattr(defaults, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"{text} ({default:g})")


def add_where(parser: Any) -> None:
    """What `python -m load` brings up, and where it writes."""
    parser.add_argument(
        "--cadence",
        choices=("real", "instant"),
        default="real",
        help="look for changes as the real server does (the default), or at once",
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the run folder is made (runs)")


def _stack_options(parser: Any) -> None:
    """Not in the web form: they hold keys and passwords."""
    told = "the stack to load, as `harness up` printed it: a file of it"
    parser.add_argument("--env-file", env_var="HARNESS_ENV_FILE", include_in_web_ui=False, help=told)
    for each in fields(Environment):
        variable = each.name.upper()
        option = f"--{each.name.replace('_', '-')}"
        parser.add_argument(option, env_var=variable, include_in_web_ui=False, help="the same, where there is no file")


def chosen_plan(options: Any) -> Plan:
    """The plan of the command line or web form; raises `UsageError` if it cannot be."""
    chosen = {each.name: _number(each.type, getattr(options, each.name)) for each in fields(Plan)}
    plan = Plan(**{**chosen, "debounce": _debounce(chosen["app"], chosen["debounce"])})
    refuse_impossible(plan)
    return plan


def chosen_form(form: Mapping[str, str]) -> Mapping[str, str]:
    """Of what a web form sends, the fields of a plan.

    Locust takes every key that is one of its options, those that are not in its form too: the folder to write to and to
    serve from, and the keys of the stack.
    """
    return {each.name: form[each.name] for each in fields(Plan) if each.name in form}


def refuse_impossible(plan: Plan) -> None:
    """Raises `UsageError` with a sentence if nobody can play it."""
    if plan.transport not in TRANSPORTS or plan.shape not in SHAPES:
        raise UsageError(f"--transport is one of {', '.join(TRANSPORTS)}, --shape one of {', '.join(SHAPES)}")
    if not all(map(isfinite, (plan.rate, plan.seconds, plan.warm_up, plan.settle))):
        raise UsageError("--rate, --seconds, --warm-up and --settle are finite numbers")
    if (
        min(plan.writers, plan.generations) < 1
        or plan.rate <= 0
        or plan.seconds <= 0
        or min(plan.readers, plan.churners, plan.storm) < 0
    ):
        raise UsageError("a load needs at least one writer, a rate, a length, and no negative number of anybody")
    if plan.warm_up >= plan.seconds:
        raise UsageError(f"--warm-up {plan.warm_up:g} leaves nothing of --seconds {plan.seconds:g} to be measured")
    if plan.events < LEAST_EVENTS:
        raise UsageError(
            f"a generation has at least {LEAST_EVENTS} events, and --rate {plan.rate:g} in --seconds {plan.seconds:g} "
            f"gives it {plan.events}: give more of one of them"
        )


def _debounce(app: str, chosen: str) -> str:
    """The policy by its name; raises `UsageError` if the application cannot do it."""
    able = APPS.get(app, ())
    if not able:
        raise UsageError(f"no application {app!r}: give --app one of {', '.join(APPS)}")
    if chosen != OWN and chosen not in able:
        raise UsageError(f"--app {app} has no debounce policy {chosen!r}: it is one of {', '.join(able)}")
    return able[0] if chosen == OWN else chosen


def chosen_stack(options: Any) -> Environment:
    """The stack that is named; raises `UsageError` naming what is missing."""
    if options.env_file:
        try:
            return Environment.parse(Path(options.env_file).read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{options.env_file} cannot be read: {error.strerror}") from error
    told = {each.name: getattr(options, each.name) for each in fields(Environment)}
    missing = [name.upper() for name, value in told.items() if not value]
    if missing:
        raise UsageError(f"no stack: give --env-file, or set {', '.join(missing)} as `harness up` prints them")
    return Environment(**told)


def _number(kind: Any, value: Any) -> Any:
    """The web form sends text."""
    return {"int": int, "float": float}.get(getattr(kind, "__name__", kind), str)(value)
