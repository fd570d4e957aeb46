"""What was chosen on the command line or in the web form."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness.errors import UsageError
from load.offering.schedule import generation
from load.options import add_options, chosen_form, chosen_plan, chosen_stack
from load.plan import LEAST_EVENTS, SHAPES, Plan

PROCESS = "0b9f3a5e-3f0b-4f6e-9a57-1d2c3b4a5f60"
STACK = {
    "API_URL": "http://h",
    "DB_URL": "postgresql://h",
    "ANON_KEY": "a",
    "SERVICE_ROLE_KEY": "s",
    "JWT_SECRET": "j",
    "REALTIME_URL": "ws://h/socket",
    "REALTIME_HTTP_URL": "http://h",
    "APP_URL": "http://h",
    "HARNESS_BACKEND": "embedded",
}


class LocustParser(ArgumentParser):
    """Takes what Locust's parser takes beside argparse's own."""

    def add_argument(self, *names: str, **options: Any) -> Any:
        for ours in ("env_var", "include_in_web_ui"):
            options.pop(ours, None)
        return super().add_argument(*names, **options)


def parsed(*arguments: str) -> Namespace:
    parser = LocustParser()
    add_options(parser)
    return parser.parse_args(arguments)


def test_without_options_it_is_the_default_plan() -> None:
    assert chosen_plan(parsed()) == Plan()


def test_each_field_of_the_plan_can_be_said() -> None:
    plan = Plan(
        debounce="off",
        app="as-specified",
        transport="broadcast",
        shape="spike",
        seed=7,
        generations=2,
        writers=3,
        readers=4,
        churners=0,
        storm=1,
        rate=5.0,
        seconds=9.0,
        warm_up=1.0,
        settle=2.0,
    )

    options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(plan).items()]

    assert chosen_plan(parsed(*options)) == plan


def test_the_text_of_the_web_form_becomes_numbers() -> None:
    form = Namespace(**{name: str(value) for name, value in asdict(Plan()).items()})

    assert chosen_plan(form) == Plan()


@pytest.mark.parametrize(("app", "debounce"), [("reference", "lossless"), ("as-specified", "as-specified")])
def test_without_a_policy_an_application_has_its_own(app: str, debounce: str) -> None:
    assert chosen_plan(parsed(f"--app={app}")) == Plan(app=app, debounce=debounce)


def test_a_policy_that_the_application_cannot_do_is_refused() -> None:
    with pytest.raises(UsageError, match="no debounce policy 'lossless': it is one of as-specified, off"):
        chosen_plan(parsed("--app=as-specified", "--debounce=lossless"))


@pytest.mark.parametrize(
    "wrong", ["--writers=0", "--rate=0", "--seconds=0", "--readers=-1", "--warm-up=20", "--rate=0.85"]
)
def test_a_plan_that_cannot_be_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError):
        chosen_plan(parsed(wrong))


@pytest.mark.parametrize("wrong", [{"shape": "frob"}, {"transport": "frob"}])
def test_a_web_form_with_what_it_does_not_offer_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="is one of"):
        chosen_plan(Namespace(**{**asdict(Plan()), **wrong}))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_least_plan_that_is_taken_offers_what_it_says_and_less_is_refused(shape: str) -> None:
    least = [f"--shape={shape}", f"--rate={LEAST_EVENTS / 10 / SHAPES[shape]}", "--seconds=10"]

    plan = chosen_plan(parsed(*least))

    said, _ = generation(
        PROCESS, Random(1), rate=plan.rate, seconds=plan.seconds, begins=datetime(2026, 1, 1, tzinfo=UTC), shape=shape
    )
    assert plan.events == len(said) == LEAST_EVENTS
    with pytest.raises(UsageError, match="at least 18 events"):
        chosen_plan(parsed(*least, "--seconds=9.4"))


def test_of_a_web_form_only_what_a_plan_has_is_taken() -> None:
    form = {"rate": "30", "warm_up": "1", "folder": "/home/me", "env_file": "/x", "jwt_secret": "k", "user_count": "9"}

    assert chosen_form(form) == {"rate": "30", "warm_up": "1"}


def test_a_stack_is_named_by_its_variables_or_by_a_file(tmp_path: Path) -> None:
    file = tmp_path / "stack.env"
    file.write_text("".join(f'{name}="{value}"\n' for name, value in STACK.items()))
    options = [f"--{name.lower().replace('_', '-')}={value}" for name, value in STACK.items()]

    by_variables, by_file = chosen_stack(parsed(*options)), chosen_stack(parsed(f"--env-file={file}"))

    assert by_variables == by_file
    assert by_file.realtime_url == "ws://h/socket"


def test_what_is_missing_of_a_stack_is_named() -> None:
    with pytest.raises(UsageError, match=r"set API_URL, DB_URL, .* as `harness up` prints them"):
        chosen_stack(parsed())
