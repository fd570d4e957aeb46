"""What is read from Docker's answers."""

import json
from typing import Any

import pytest

from harness.backends.compose_facts import STAND_IN, Image, Resolved, image, limit_variables, quoted, resolved
from harness.errors import StackError
from harness.realtime.plans import PLANS

CONFIG: dict[str, Any] = {
    "name": "realtime-harness-1",
    "services": {
        "db": {
            "image": "supabase/postgres:17",
            "ports": [{"mode": "ingress", "host_ip": "127.0.0.1", "target": 5432, "published": "40001"}],
        },
        "realtime": {
            "image": "supabase/realtime:v2",
            "environment": {
                "PORT": "4000",
                "DB_USER": "supabase_admin",
                "DB_PASSWORD": "p@ss",
                "DB_NAME": "postgres",
                "API_JWT_SECRET": "secret",
                "SELF_HOST_TENANT_NAME": "localhost",
            },
            "ports": [{"target": 9568, "published": "1"}, {"target": 4000, "published": "40002"}],
        },
    },
}


def test_ports_secrets_and_images_are_those_that_compose_resolved() -> None:
    stack = resolved(json.dumps(CONFIG))

    assert stack == Resolved(
        db_port=40001,
        db_user="supabase_admin",
        db_password="p@ss",
        db_name="postgres",
        realtime_port=40002,
        tenant="localhost",
        jwt_secret="secret",
        images={"db": "supabase/postgres:17", "realtime": "supabase/realtime:v2"},
    )


def test_a_dollar_that_compose_doubled_is_one() -> None:
    services = json.loads(json.dumps(CONFIG["services"]))
    services["realtime"]["environment"]["API_JWT_SECRET"] = "a$$b$$$$c"

    assert resolved(json.dumps({"services": services})).jwt_secret == "a$b$$c"


@pytest.mark.parametrize(
    ("text", "line"), [("plain #1", '"plain #1"'), ('a"b', r'"a\"b"'), ("a$b", r'"a\$b"'), ("a\\n", r'"a\\n"')]
)
def test_a_value_for_compose_is_quoted(text: str, line: str) -> None:
    assert quoted(text) == line


def test_secrets_are_not_in_its_repr() -> None:
    stack = resolved(json.dumps(CONFIG))

    assert "p@ss" not in repr(stack)
    assert "secret'" not in repr(stack)


@pytest.mark.parametrize("service", ["db", "realtime"])
def test_a_stack_without_one_of_the_services_is_told(service: str) -> None:
    services = {name: each for name, each in CONFIG["services"].items() if name != service}

    with pytest.raises(StackError, match=f"no services db and realtime .* KeyError '{service}'"):
        resolved(json.dumps({"services": services}))


def test_a_port_that_is_not_published_is_told() -> None:
    services = {**CONFIG["services"], "db": {"image": "supabase/postgres:17", "ports": []}}

    with pytest.raises(StackError, match="no services db and realtime"):
        resolved(json.dumps({"services": services}))


@pytest.mark.parametrize(
    ("tenant", "host"),
    [("localhost", "localhost"), ("127", "127.0.0.1"), ("realtime-dev", "realtime-dev.localhost")],
)
def test_the_first_label_of_the_host_is_the_tenant(tenant: str, host: str) -> None:
    services = json.loads(json.dumps(CONFIG["services"]))
    services["realtime"]["environment"]["SELF_HOST_TENANT_NAME"] = tenant

    stack = resolved(json.dumps({"services": services}))

    assert stack.realtime_host == host


def test_a_pulled_image_is_known_by_its_digest() -> None:
    about = [{"Id": "sha256:1", "RepoDigests": ["supabase/realtime@sha256:2"], "Config": {"Labels": None}}]

    found = image("supabase/realtime:v2", json.dumps(about))

    assert found == Image(name="supabase/realtime:v2", digest="sha256:2", stand_in=False)
    assert str(found) == "supabase/realtime:v2@sha256:2"


def test_an_image_of_ours_says_that_it_stands_in() -> None:
    about = [{"Id": "sha256:1", "RepoDigests": [], "Config": {"Labels": {STAND_IN: "true"}}}]

    found = image("engine:stand-in", json.dumps(about))

    assert found == Image(name="engine:stand-in", digest="sha256:1", stand_in=True)
    assert str(found) == "engine:stand-in@sha256:1 (stand-in)"


def test_a_plan_is_given_by_the_variables_of_the_real_image() -> None:
    assert limit_variables(PLANS["pro"]) == {
        "TENANT_MAX_CONCURRENT_USERS": "500",
        "TENANT_MAX_EVENTS_PER_SECOND": "500",
        "TENANT_MAX_JOINS_PER_SECOND": "500",
        "TENANT_MAX_CHANNELS_PER_CLIENT": "100",
        "TENANT_MAX_BYTES_PER_SECOND": "100000",
        "CLIENT_PRESENCE_MAX_CALLS": "5",
        "CLIENT_PRESENCE_WINDOW_MS": "30000",
    }


def test_no_limit_is_a_number_that_nobody_reaches() -> None:
    assert limit_variables(PLANS["off"])["TENANT_MAX_EVENTS_PER_SECOND"] == "1000000000"
