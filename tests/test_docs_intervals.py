"""`docs/intervals.md` names every interval of the server and of the clients, with its default."""

import re
from dataclasses import fields

import pytest

from harness.phoenix.connection import Timing
from harness.realtime.tenant import Tenant
from tests.test_architecture import PACKAGE

PAGE = (PACKAGE.parent / "docs" / "intervals.md").read_text(encoding="utf-8")


def rows() -> dict[str, str]:
    """Interval → default, of the rows that begin with a field."""
    return dict(re.findall(r"^\| `(\w+_s)` \| ([^|]+) \|", PAGE, re.MULTILINE))


def test_every_interval_of_a_tenant_and_of_a_clients_timing_is_named_with_its_default() -> None:
    both = [(field.name, field.default) for kind in (Tenant, Timing) for field in fields(kind)]

    assert rows() == {name: str(default) for name, default in both if name.endswith("_s")}


def constants() -> list[tuple[str, str]]:
    """(name, file) of what stands in a module, as the page says."""
    told = re.findall(r"\| ([^|]*`[A-Z_]+_S`[^|]*), `([\w/]+\.py)` \|", PAGE)
    return [(name, file) for names, file in told for name in re.findall(r"`([A-Z_]+_S)`", names)]


@pytest.mark.parametrize(("name", "file"), constants())
def test_a_constant_stands_where_the_page_says(name: str, file: str) -> None:
    found = [path for path in PACKAGE.rglob("*.py") if str(path).endswith(f"/{file}")]

    assert any(re.search(rf"^{name}\b", path.read_text(encoding="utf-8"), re.MULTILINE) for path in found)


def test_the_page_names_constants_at_all() -> None:
    assert len(constants()) > 15


def test_each_row_says_whether_it_is_scaled() -> None:
    last = [line.rstrip(" |").rpartition("| ")[2] for line in PAGE.splitlines() if line.startswith("| ")]

    said = [cell for cell in last if cell != "with `--time-factor`"]
    assert all(re.match("scaled|real", cell) for cell in said), said
