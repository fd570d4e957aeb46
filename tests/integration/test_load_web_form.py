"""What Locust's web UI takes from a form and hands out of a run folder: its application, in a process of its own."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

# Looked for and not imported: locust would patch this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="the extra `load` is not installed")

ROOT = Path(__file__).parent.parent.parent
SCRIPT = """
import json, sys
from pathlib import Path
import locust
from locust.argument_parser import parse_options
from locust.env import Environment
from load.judging.judged import Judged
from load.options import add_options
from load.plan import Plan
from load.telling.web import Pages

run = Path(sys.argv[1])
locust.events.init_command_line_parser.add_listener(add_options)
options = parse_options(["--env-file", sys.argv[2]])
environment = Environment(user_classes=[], parsed_options=options)
runner = environment.create_local_runner()
runner.start = lambda *counts: None
web_ui = environment.create_web_ui("127.0.0.1", 0, delayed_start=True)
pages = Pages()
pages.extend(environment)
pages.show(run, Judged(plan=Plan(), figures={}, checked={}, claims={}))
client = web_ui.app.test_client()

def posted(**form):
    return client.post("/swarm", data=form).get_json()

taken = posted(rate="30", folder="/home/me", env_file="/x", jwt_secret="k", host="http://h", user_count="1")
after = {name: getattr(options, name) for name in ("rate", "folder", "env_file", "jwt_secret", "num_users")}
served = ("report.html", "locust.html", "result.json", "parts/one.jsonl", "key", ".ssh/id", "../stack.env")
codes = {file: client.get(f"/realtime/run/{file}").status_code for file in served}
options.env_file = str(run / "gone.env")
print(json.dumps({"taken": taken, "after": after, "codes": codes, "refused": posted(rate="30")}))
sys.stdout.flush()
runner.quit()
"""
STACK = (
    "API_URL", "DB_URL", "ANON_KEY", "SERVICE_ROLE_KEY", "JWT_SECRET", "REALTIME_URL", "REALTIME_HTTP_URL", "APP_URL",
    "HARNESS_BACKEND",
)  # fmt: skip


@pytest.fixture
def seen(tmp_path: Path) -> dict[str, Any]:
    """What came of two forms, the files that were asked for, and the options after the first form."""
    run = tmp_path / "run"
    for file in ("result.json", "key", ".ssh/id", "parts/one.jsonl"):
        (run / file).parent.mkdir(parents=True, exist_ok=True)
        (run / file).write_text("{}")
    env_file = tmp_path / "stack.env"
    env_file.write_text("".join(f"{name}=x\n" for name in STACK))
    command = [sys.executable, "-c", SCRIPT, str(run), str(env_file)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return {**told, "env_file": str(env_file)}


def test_a_form_sets_the_plan_and_none_of_the_other_options(seen: dict[str, Any]) -> None:
    assert seen["taken"]["success"]
    assert seen["after"] == {
        "rate": 30.0, "folder": None, "env_file": seen["env_file"], "jwt_secret": None, "num_users": 18,
    }  # fmt: skip


def test_a_run_without_a_stack_is_refused_in_the_form(seen: dict[str, Any]) -> None:
    assert not seen["refused"]["success"]
    assert "gone.env cannot be read" in seen["refused"]["message"]


def test_of_a_run_folder_only_what_its_page_leads_to_is_handed_out(seen: dict[str, Any]) -> None:
    assert {file for file, code in seen["codes"].items() if code == 200} == {
        "report.html", "locust.html", "result.json",
    }  # fmt: skip
    assert set(seen["codes"].values()) == {200, 404}
