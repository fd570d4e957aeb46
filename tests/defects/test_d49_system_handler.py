"""D-49: `.on('system', callback)` takes the callback for a filter: the page throws and is never connected."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

from harness.clients.realtime_js import MODULES, find_node
from harness.errors import ClientMissing

DEFECT: Final = "D-49"
SCRIPT: Final = Path(__file__).with_name("system_handler.mjs")


@pytest.fixture
async def told() -> dict[str, Any]:
    """What the official client does with both ways of writing it."""
    try:
        node = await find_node(MODULES)
    except ClientMissing as error:
        if os.environ.get("HARNESS_NO_SKIP") == "1":  # noqa: TID251  (as in tests/integration)
            pytest.fail(str(error))
        pytest.skip(str(error))
    child = await asyncio.create_subprocess_exec(node, SCRIPT, MODULES, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(30.0):
            answer, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    told: dict[str, Any] = json.loads(answer)
    return told


async def test_the_accused_throws_and_never_hears_that_it_is_connected(told: dict[str, Any]) -> None:
    assert told["thrown"] == ["bind.callback is not a function"]
    assert told["connected_as_written"] == []


async def test_what_the_reference_asks_for_comes(told: dict[str, Any]) -> None:
    assert told["connected_as_meant"] == [True]
