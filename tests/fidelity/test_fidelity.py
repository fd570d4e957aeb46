"""Recordings of the real server played against the engine, from the files to the verdict.

`make fidelity` plays all of them; here are the shortest, and what must fail if the engine were another.
"""

import json
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from harness.backends.account import ended
from harness.backends.cluster import start_cluster
from harness.clock import SystemClock
from harness.fidelity import library
from harness.fidelity.command import Request, fidelity
from harness.fidelity.engine import restart
from harness.fidelity.recording import lines


async def test_the_engine_cannot_be_told_from_the_real_server_in_the_shortest_recordings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = await fidelity(Request(recordings=("p01", "p01b", "p03"), as_json=True))

    told = json.loads(capsys.readouterr().out)
    assert {each["name"]: each["S1"] + each["S2"] for each in told["recordings"]} == {
        name: 0 for family in ("p01_basic", "p01b_legacy", "p03_filters") for name in (f"{family}.v1", f"{family}.v2")
    }
    assert (code, told["valid"]) == (0, "valid")


async def test_an_engine_that_says_something_else_is_convicted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = library.read(library.known()["p01b_legacy.v2"])
    entries = [replace(entry, text=entry.text.replace("Subscribed to", "Listens to")) for entry in recording.entries]
    file = tmp_path / "planted.v2.jsonl"
    file.write_text("\n".join(lines(replace(recording, entries=tuple(entries)))) + "\n")

    code = await fidelity(Request(recordings=(str(file),), save=tmp_path / "played"))

    said = capsys.readouterr().out
    assert code == 1
    assert "system: payload.message differs: Listens to PostgreSQL → Subscribed to PostgreSQL" in said
    assert library.read(tmp_path / "played" / "planted.v2.jsonl").entries


async def test_a_postgresql_that_is_restarted_answers_again_at_the_same_address() -> None:
    clock = SystemClock()
    async with await start_cluster(clock=clock) as cluster:
        before = await asyncpg.connect(cluster.url())
        process = await restart(cluster.data_dir, clock)
        after = await asyncpg.connect(cluster.url())

        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await before.fetchval("select 1")
        assert await after.fetchval("select 1") == 1
        await after.close()
        before.terminate()
    assert await ended(process, clock, within=10) is not None
