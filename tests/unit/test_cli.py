"""What is said on the command line, and what comes of it before anything is started."""

import json
from argparse import Namespace
from pathlib import Path

import jwt
import pytest

from harness import cli
from harness.backends.environment import Environment
from harness.errors import UsageError
from harness.tokens import DEVELOPMENT_SECRET

HISTORIES = Path(__file__).parents[1] / "histories"
LONG = "a-secret-of-our-own-that-is-long-enough"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JWT_SECRET", raising=False)
    monkeypatch.chdir(tmp_path)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    try:
        code = cli.main(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def an_environment(**changed: str) -> Environment:
    values = {name: f"the-{name}" for name in Environment.__dataclass_fields__}
    return Environment(**{**values, "jwt_secret": LONG, **changed})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("run no_such", "no scenario 'no_such': give a path to a file or one of disconnect, full_flow"),
        ("run no_such.py", "no scenario 'no_such.py': give a path to a file"),
        ("run full_flow --no-such", "unrecognized arguments: --no-such"),
        ("run full_flow --see 3", "unrecognized arguments: --see"),
        ("run full_flow --seeds 5-1", "'5-1' is neither a range like 1-5 nor a list like 1,4,9"),
        ("run full_flow --seeds 1-3-5", "'1-3-5' is neither a range"),
        ("run full_flow --seed 1 --seeds 1-2", "argument --seeds: not allowed with argument --seed"),
        ("run full_flow --jobs 0", "0 is not 1 or more"),
        ("run full_flow --repeat x", "'x' is no number"),
        ("run full_flow --pace nan", "nan is no positive number"),
        ("run full_flow --pace -1", "-1 is no positive number"),
        ("run full_flow --backend moon", "no backend 'moon': embedded, compose, project or memory"),
        ("run full_flow --env-file nowhere", "cannot read nowhere: No such file or directory"),
        ("run", "the following arguments are required: SCENARIO"),
        ("up --port 65536", "65536 is no port: 0 to 65535"),
        ("up --env-file nowhere", "`up` brings a stack up"),
        ("exec", "what is to be run?"),
        ("exec --", "what is to be run?"),
        ("open no_such", "no run 'no_such': give a run folder, or `latest` after a `harness run` wrote to runs/"),
        ("report", "no run 'latest'"),
        ("check no_such", "no run 'no_such'"),
        ("token", "the following arguments are required: --role"),
        ("token --role anon --ttl nan", "nan is no number of seconds within a hundred years"),
        ("token --role anon --ttl 1e300", "1e300 is no number of seconds"),
        ("token --role anon --sub alice", "--sub 'alice' is no UUID, and auth.uid() needs one"),
        ("doctor", "harness doctor is in the contract but not built yet; see docs/contract.md for what is"),
        ("lab", "the following arguments are required: debounce"),
        ("lab bounce", "invalid choice: 'bounce'"),
        ("lab debounce --debounce best", "no debounce policy 'best': give one of off, as-specified"),
        ("lab debounce --interval 0", "0 is no positive number"),
        ("lab debounce --write-ms -1", "-1 is less than nothing"),
        ("plan --limits gold", "invalid choice: 'gold'"),
        ("plan --debounce best", "no debounce policy 'best'"),
        ("plan --subscribers 0", "0 is not 1 or more"),
        ("plan --knee nowhere", "nowhere cannot be read: No such file or directory"),
        ("", "the following arguments are required: COMMAND"),
        ("no_such", "invalid choice: 'no_such'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_on_stderr(
    capsys: pytest.CaptureFixture[str], arguments: str, sentence: str
) -> None:
    code, out, err = told(capsys, *arguments.split())

    assert (code, out) == (64, "")
    assert err.startswith("harness: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_history_that_is_none_is_refused_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(capsys, "check", str(HISTORIES / "write.py"))

    assert (code, out) == (2, "")
    assert "write.py, line 1: this is no JSON" in err


def test_a_fault_of_ours_is_no_verdict(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(arguments: Namespace) -> int:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(cli, "COMMANDS", {"list": broken})

    code, out, err = told(capsys, "list")

    assert (code, out) == (2, "")
    assert err.startswith("harness: a fault of the harness itself, not a verdict; please report it:\nTraceback")
    assert "ZeroDivisionError: ours" in err


def test_an_interrupted_command_ends_with_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(arguments: Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "COMMANDS", {"list": interrupted})

    assert told(capsys, "list") == (130, "", "harness: interrupted; everything was taken down\n")


def test_an_error_does_not_tell_a_password(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(arguments: Namespace) -> int:
        raise UsageError("cannot reach postgresql://postgres:sesame@127.0.0.1/x")

    monkeypatch.setattr(cli, "COMMANDS", {"list": refused})

    _, _, err = told(capsys, "list")

    assert err == "harness: cannot reach postgresql://postgres:[password]@127.0.0.1/x\n"


@pytest.mark.parametrize("secret", ["short", "あ" * 10])
def test_a_secret_that_is_too_short_is_refused_and_not_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("JWT_SECRET", secret)

    code, out, err = told(capsys, "token", "--role", "anon")

    assert (code, out) == (64, "")
    assert f"JWT_SECRET has {len(secret.encode())} bytes and needs 32 or more" in err
    assert secret not in err


@pytest.mark.parametrize(("given", "secret"), [(None, DEVELOPMENT_SECRET), ("", DEVELOPMENT_SECRET), (LONG, LONG)])
def test_tokens_are_signed_with_the_secret_of_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, given: str | None, secret: str
) -> None:
    if given is not None:
        monkeypatch.setenv("JWT_SECRET", given)

    code, out, _ = told(capsys, "token", "--role", "anon")

    assert code == 0
    assert jwt.decode(out.strip(), secret, algorithms=["HS256"], audience="authenticated")["role"] == "anon"


def test_tokens_are_signed_with_the_secret_of_the_stack_that_is_given(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "stack.env"
    file.write_text(an_environment().lines())

    code, out, _ = told(capsys, "token", "--role", "anon", "--env-file", str(file), "--json")

    assert code == 0
    signed = json.loads(out)["token"]
    assert jwt.decode(signed, LONG, algorithms=["HS256"], audience="authenticated")["role"] == "anon"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the environment file has no API_URL, DB_URL, ANON_KEY"),
        (b'API_URL="http', "line 1 of the environment file is broken: No closing quotation"),
        (b'{"API_URL": ', "the environment file is no JSON object: "),
        (b"\xff\xfe\x00", "is no text: give what `harness up` printed"),
        (an_environment(jwt_secret="short").lines().encode(), "has 5 bytes and needs 32 or more"),
    ],
)
def test_a_broken_environment_file_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, sentence: str
) -> None:
    file = tmp_path / "stack.env"
    file.write_bytes(content)

    code, _, err = told(capsys, "run", "full_flow", "--env-file", str(file))

    assert code == 64
    assert sentence in err


@pytest.mark.parametrize("option", [["--cadence", "instant"], ["--port", "5000"]])
def test_a_running_stack_cannot_be_given_options_of_its_start(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: list[str]
) -> None:
    file = tmp_path / "stack.env"
    file.write_text(an_environment().lines())

    code, _, err = told(capsys, "run", "full_flow", "--env-file", str(file), *option)

    assert (code, err) == (
        64,
        "harness: --cadence, --limits and --port are for a stack that is brought up, not with --env-file\n",
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_the_well_known_secret_is_for_loopback_alone(host: str) -> None:
    assert cli._secret(host) == DEVELOPMENT_SECRET
    assert cli._secret("0.0.0.0") not in (DEVELOPMENT_SECRET, cli._secret("0.0.0.0"))


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"BROWSER": "w3m"}, True),
        ("darwin", {}, True),
    ],
)
def test_a_browser_is_started_only_where_it_can_show_itself(
    platform: str, environment: dict[str, str], expected: bool
) -> None:
    assert cli._has_screen(platform, environment) is expected
