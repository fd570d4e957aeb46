"""What the real server did: the yardstick, from docs/real-performance.md, medians of its three runs.

supabase/realtime v2.129.8 and PostgreSQL 15.20 (wal2json 2.5, fsync on, `process_events` with key and unique only,
limits raised to 100,000) on a machine of two cores, which server, database, writer and readers shared.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Case = tuple[str, ...]
"""A key of contract 8 and the path of a figure under it, as in `bench/latest.json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """A figure of the real server; `where` is its section in real-performance.md."""

    value: float
    where: str


REAL: Final[Mapping[Case, Real]] = {
    ("deliveries_per_s", "1", "off"): Real(value=1_078, where="(a)"),
    ("deliveries_per_s", "10", "off"): Real(value=7_600, where="(a)"),
    ("deliveries_per_s", "50", "off"): Real(value=20_600, where="(a)"),
    ("deliveries_per_s", "200", "off"): Real(value=24_500, where="(a)"),
    ("deliveries_per_s", "1", "on"): Real(value=763, where="(b)"),
    ("deliveries_per_s", "10", "on"): Real(value=5_080, where="(b)"),
    ("deliveries_per_s", "50", "on"): Real(value=8_030, where="(b)"),
    ("commit_to_client_ms", "real", "idle", "p50"): Real(value=288.1, where="(c), one row per 2 s"),
    ("commit_to_client_ms", "real", "idle", "p99"): Real(value=513.4, where="(c), one row per 2 s"),
    ("commit_to_client_ms", "real", "20 per s", "p50"): Real(value=267.8, where="(c)"),
    ("commit_to_client_ms", "real", "20 per s", "p99"): Real(value=521.4, where="(c)"),
    ("commit_to_client_ms", "real", "200 per s", "p50"): Real(value=12.2, where="(c)"),
    ("commit_to_client_ms", "real", "200 per s", "p99"): Real(value=104.7, where="(c), 545.1 in the second run"),
    ("burst_5000_s",): Real(value=6.81, where="(d)"),
    ("joins_per_s", "reply"): Real(value=1_870, where="(e)"),
    ("joins_per_s", "subscribed"): Real(value=866, where="(e)"),
    ("rss_mib", "idle", "engine"): Real(value=136, where="(f), MB"),
    ("rss_mib", "idle", "postgres"): Real(value=295, where="(f), MB"),
    ("rss_mib", "200 subscribers", "engine"): Real(value=137, where="(f), MB"),
    ("rss_mib", "200 subscribers", "postgres"): Real(value=295, where="(f), MB"),
}

_SAMPLES: Final = Path(__file__).with_name("p11c_latency.json")
_LOADS: Final = {
    "idle": "idle, gaps uniform 1.2 to 2.2 s",
    "20 per s": "20 per s, even",
    "200 per s": "200 per s, even",
}


def samples() -> Mapping[str, Sequence[float]]:
    """Its latencies from commit to client in ms, by load, in the order of the commits (recording p11c)."""
    cases = {case["case"]: case["commit_to_client_ms"] for case in json.loads(_SAMPLES.read_text("utf-8"))["cases"]}
    return {load: cases[name] for load, name in _LOADS.items()}
