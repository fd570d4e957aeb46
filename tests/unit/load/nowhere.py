"""A stack that is nowhere, and a task for it: for what must be told of one and reaches none."""

from datetime import UTC, datetime
from pathlib import Path

from harness.backends.environment import Environment
from load.offering.share import Share
from load.offering.task import Task
from load.plan import Plan

ENVIRONMENT = Environment(
    api_url="http://h",
    db_url="postgresql://h",
    anon_key="a",
    service_role_key="s",
    jwt_secret="j",
    realtime_url="ws://h/socket",
    realtime_http_url="http://h",
    app_url="http://h",
    harness_backend="embedded",
)


def a_task(plan: Plan | None = None) -> Task:
    """Of a run that begins with 2026."""
    return Task(
        plan=plan or Plan(),
        share=Share(),
        environment=ENVIRONMENT,
        began=0.0,
        started=datetime(2026, 1, 1, tzinfo=UTC),
        part=Path("publishing.jsonl"),
    )
