"""How a stack is told to others: what `up` prints is what `--env-file` reads."""

import json
import subprocess
from dataclasses import replace

import pytest

from harness.backends.environment import Environment
from harness.errors import UsageError

ONE = Environment(
    api_url="http://127.0.0.1:54321",
    db_url="postgresql://postgres:sesame@127.0.0.1:5432/postgres",
    anon_key="a.b.c",
    service_role_key="d.e.f",
    jwt_secret="a-secret-of-our-own-that-is-long-enough",
    realtime_url="ws://127.0.0.1:54321/socket",
    realtime_http_url="http://127.0.0.1:54321",
    app_url="http://127.0.0.1:54321",
    harness_backend="embedded",
)


def test_one_variable_a_line_with_the_names_of_the_contract() -> None:
    lines = ONE.lines().splitlines()

    assert lines[0] == 'API_URL="http://127.0.0.1:54321"'
    assert [line.partition("=")[0] for line in lines] == list(ONE.variables())


@pytest.mark.parametrize("text", [ONE.lines(), json.dumps(dict(ONE.variables()))])
def test_what_is_printed_can_be_read(text: str) -> None:
    assert Environment.parse(text) == ONE


@pytest.mark.parametrize("secret", ['a "quoted" one', "with $HOME and `date`", "it's \\ done", "with = and #"])
def test_any_secret_survives_a_shell_and_us(secret: str) -> None:
    environment = replace(ONE, jwt_secret=secret)

    sourced = subprocess.run(
        ["sh", "-c", f'{environment.lines()}printf %s "$JWT_SECRET"'], capture_output=True, text=True, check=True
    )

    assert sourced.stdout == secret
    assert Environment.parse(environment.lines()) == environment


def test_comments_exports_and_what_we_do_not_know_do_no_harm() -> None:
    text = "# a comment = 1\n\nexport STUDIO_URL=x\n" + ONE.lines().replace("API_URL", "export API_URL", 1)

    assert Environment.parse(text) == ONE


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the environment file has no API_URL, DB_URL"),
        (ONE.lines().replace("JWT_SECRET", "SECRET"), "has no JWT_SECRET: use what `harness up` printed"),
        ('\nAPI_URL="http\n', "line 2 of the environment file is broken: No closing quotation"),
        ("{", "the environment file is no JSON object"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Environment.parse(text)
