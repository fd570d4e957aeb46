"""The limits of each plan, and what the admin API may change of them."""

from dataclasses import astuple, fields
from pathlib import Path

from harness.realtime.plans import PLAN_NAMES, PLANS, Limits, changed


def test_the_names_of_the_plans_are_those_of_the_table() -> None:
    assert tuple(PLANS) == PLAN_NAMES == ("selfhost", "free", "pro", "team", "off")


def test_a_self_hosted_server_has_the_limits_of_its_seed() -> None:
    assert astuple(PLANS["selfhost"]) == (200, 100, 100, 100, 1000, 5, 30_000, 3000, 100_000)


def test_the_plans_of_the_vendor_differ_where_the_table_says() -> None:
    columns = ("max_concurrent_users", "max_events_per_second", "max_joins_per_second", "max_channels_per_client")
    rest = ("max_presence_events_per_second", "max_client_presence_events_per_window", "max_payload_size_in_kb")

    rows = {name: [getattr(PLANS[name], column) for column in columns + rest] for name in ("free", "pro", "team")}

    assert rows == {
        "free": [200, 100, 100, 100, 20, 5, 256],
        "pro": [500, 500, 500, 100, 50, 5, 3000],
        "team": [10_000, 2_500, 2_500, 100, 1_000, 5, 3000],
    }


def test_off_has_no_limit_but_a_window_to_count_in() -> None:
    assert [value for value in astuple(PLANS["off"]) if value is not None] == [30_000]


def test_the_admin_api_changes_only_limits_and_only_to_whole_numbers() -> None:
    columns = {"max_events_per_second": 20, "max_joins_per_second": "7", "suspend": True, "jwt_secret": "x"}

    assert changed(Limits(), columns) == Limits(max_events_per_second=20)


def test_the_documented_table_is_this_one() -> None:
    text = (Path(__file__).parents[3] / "docs" / "limits.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `max_")
    ]
    drawn = {row[0].split("`")[1]: row[1:] for row in rows if len(row) == len(PLANS) + 1}

    names = [field.name for field in fields(Limits) if field.name != "client_presence_window_ms"]
    assert drawn == {
        name: ["–" if (value := getattr(PLANS[plan], name)) is None else f"{value:,}" for plan in PLANS]
        for name in names
    }
