"""`check_ops_per_s`: all checkers over a long history."""

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from bench.figure import Figure
from bench.progress import note
from bench.size import Size
from harness.checkers import CHECKERS, judge
from harness.history import History, Op
from harness.history.op import Value
from tests.histories.clean import PROCESS, clean_run


def check(size: Size) -> list[Figure]:
    """Judge articles that two readers follow, each of its own process, told one after another."""
    history = many(size.articles)
    note(f"check_ops_per_s: {len(history):,} ops")
    began = time.perf_counter()
    verdicts = judge({name: checker() for name, checker in CHECKERS.items()}, history)
    took = time.perf_counter() - began
    told = ", ".join(f"{name} {verdict.valid}" for name, verdict in verdicts.items())
    settings = f"{len(history):,} ops, {size.articles} articles, 2 readers, {took:.2f} s; {told}"
    return [Figure(case=("check_ops_per_s",), value=len(history) / took, unit="/s", settings=settings)]


def many(articles: int) -> History:
    """The clean run of the tests that many times over, with ids of its own each time."""
    one = clean_run(sections=4, chunks=30)
    ops = chain.from_iterable(_copy(one, number) for number in range(articles))
    return History(replace(op, index=index) for index, op in enumerate(ops))


def _copy(one: History, number: int) -> Iterator[Op]:
    shift = number * (one[-1].time + 1.0)
    process_id = f"{number:08d}{PROCESS[8:]}"
    for op in one:
        value = dict(op.value)
        for name in ("event_id", "into"):
            if name in value:
                value[name] = f"{number:08d}{value[name][8:]}"
        if "process_id" in value:
            value["process_id"] = process_id
        if "topic" in value:
            value["topic"] = value["topic"].replace(PROCESS, process_id)
        if "at" in value:
            value["at"] += shift
        yield replace(op, time=op.time + shift, value=Value(value))
