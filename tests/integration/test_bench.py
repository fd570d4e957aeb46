"""`make bench` measures every key of contract 8, and sees it when something is lost. No figure is judged here."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.distribution import ks_distance, percentile
from bench.figure import KEYS, MORE, Figure, document
from bench.frames import Frames, Tally, masked, sequence_of, tally
from bench.real_server import samples
from bench.table import table
from bench.targets import Target
from harness.realtime.frame import text_frame

ROOT = Path(__file__).parents[2]
LENGTHS = (0, 1, 125, 126, 65_535, 65_536)


def a_figure(*, key: str = "burst_5000_s", value: float | None = 2.0, lost: int = 0, comparable: bool = True) -> Figure:
    return Figure(case=(key,), value=value, unit="s", settings="as told", tally=Tally(lost=lost), comparable=comparable)


def numbers(value: Any) -> Iterator[float]:
    """The leaves of nested objects."""
    if isinstance(value, dict):
        for each in value.values():
            yield from numbers(each)
    else:
        yield value


@pytest.mark.timeout(300)
def test_a_quick_bench_has_a_positive_number_for_every_key_and_loses_nothing(tmp_path: Path) -> None:
    out = tmp_path / "latest.json"

    bench = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--out", str(out)], cwd=ROOT, capture_output=True, text=True
    )

    assert bench.returncode == 0, bench.stderr + bench.stdout
    told = json.loads(out.read_text())
    assert {*KEYS, *MORE} - ({"engine_us_per_delivery"} if sys.platform != "linux" else set()) <= told.keys()
    measured = {key: list(numbers(told[key])) for key in KEYS}
    assert measured.pop("virtual_speedup") == [None]
    if sys.platform != "linux":
        assert measured.pop("rss_mib") == [None]
    assert [key for key, values in measured.items() if not values or not all(each > 0 for each in values)] == []
    instant = told["deliveries_per_s"].pop("instant")
    assert instant.keys() == told["deliveries_per_s"].keys() == {"1", "10", "50", "200"}
    assert all(each.keys() == {"off", "on"} for each in (*instant.values(), *told["deliveries_per_s"].values()))
    assert told["settings"]["fsync"] == "off"
    assert all(key in bench.stdout for key in KEYS)


def test_what_came_is_compared_with_what_was_written() -> None:
    assert tally([1, 2, 3], 3) == Tally()
    assert tally([1, 3], 3) == Tally(lost=1)
    assert tally([1, 2, 2, 3], 3) == Tally(twice=1)
    assert tally([2, 1, 3], 3) == Tally(disordered=1)
    assert tally([], 2) == Tally(lost=2)


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 1_000, 1 << 20])
def test_frames_are_found_however_the_bytes_are_cut(chunk: int) -> None:
    payloads = [b"x" * length for length in LENGTHS]
    data = b"".join(text_frame(each.decode()) for each in payloads)
    frames = Frames()

    found = [each for at in range(0, len(data), chunk) for each in frames.feed(data[at : at + chunk])]

    assert found == payloads


def test_a_close_frame_is_no_delivery() -> None:
    with pytest.raises(ConnectionError, match="0x88"):
        Frames().feed(b"\x88\x02\x03\xf4")


def test_the_sequence_is_read_from_the_row_and_not_from_its_columns() -> None:
    change = (
        b'{"record":{"event_sequence": 41, "acknowledged_by": []},"columns":[{"name":"event_sequence","type":"int4"}]}'
    )

    assert sequence_of(change) == 41
    assert sequence_of(b'["1","1","realtime:bench-0","phx_reply",{"status":"ok"}]') is None


def test_a_client_frame_says_its_length_and_that_it_is_masked() -> None:
    assert masked("ab") == b"\x81\x82\0\0\0\0ab"
    assert masked("a" * 300)[:8] == b"\x81\xfe\x01\x2c\0\0\0\0"


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.99) == 4.0
    assert percentile([7.0], 0.5) == 7.0


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ([1.0, 2.0, 3.0], [3.0, 1.0, 2.0], 0.0),
        ([1.0, 2.0], [3.0, 4.0], 1.0),
        ([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0], 0.5),
        ([1.0], [1.0, 1.0, 1.0, 9.0], 0.25),
    ],
)
def test_samples_are_apart_by_the_largest_difference_of_their_shares(
    first: list[float], second: list[float], distance: float
) -> None:
    assert ks_distance(first, second) == ks_distance(second, first) == pytest.approx(distance)


def test_the_real_server_has_as_many_samples_as_its_recording_says() -> None:
    assert {load: len(values) for load, values in samples().items()} == {
        "idle": 240,
        "20 per s": 400,
        "200 per s": 1_600,
    }


def test_the_table_says_which_target_is_missed() -> None:
    kept = Figure(case=("start_ready_s", "warm"), value=1.2, unit="s", settings="")
    missed = Figure(case=("rss_mib", "200 subscribers", "engine"), value=90.0, unit="MiB", settings="")

    told = table([kept, missed], {})

    assert "≤ 1.5" in told
    assert "missed: ≤ 80" in told
    assert told.count("missed") == 1


def test_a_target_includes_its_bounds() -> None:
    assert [Target(least=0.85, most=1.15).reached(value) for value in (0.84, 0.85, 1.15, 1.16)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_figure_is_compared_with_the_real_one_only_if_it_was_measured_alike() -> None:
    assert a_figure().ratio == pytest.approx(2.0 / 6.81)
    assert a_figure(comparable=False).ratio is None
    assert a_figure(value=None).ratio is None


def test_a_lost_frame_shows_in_the_table_and_spoils_the_figure() -> None:
    lossy = a_figure(lost=3)

    assert not lossy.sound
    assert "3 · 0 · 0" in table([lossy], {})
    assert document([lossy], {})["figures"][0]["tally"] == {"lost": 3, "twice": 0, "disordered": 0}
