"""The text that a reader shows is the text that was written, byte for byte."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.checkers.checker import Finding, Verdict
from harness.history import History, Op
from harness.history.audience import audience
from harness.history.facts import changed, merged_into
from harness.history.hops import APPLY, EMIT


@dataclass(frozen=True, slots=True)
class Content:
    """Convicts a reader whose sections or article differ from the source, and an event that arrived changed.

    A section is compared with the last attempt at writing it, once that has ended: the next section was begun, or
    the process is completed. What a reader shows after it left, says is stale, or has no right to, is not compared.
    If text was written and no section could be compared, the verdict is unknown.
    """

    def check(self, history: History) -> Verdict:
        sources = _finished_sources(history)
        views = _comparable_views(history)
        sections = [(view, source) for view in views for source in sources.get(view.value.process_id, {}).values()]
        findings = [
            *(finding for view, source in sections if (finding := _section(view, source))),
            *_articles(views, history),
            *_changed_events(history),
        ]
        if not findings and not sections and len(history.where(f="source")):
            return Verdict.unknown("text was written, but no reader's view of a finished section is in the history")
        return Verdict.of(findings, looked_at=len(sections) + len(history.where(f=APPLY, type="ok")))


def _finished_sources(history: History) -> Mapping[str, Mapping[int, Op]]:
    """By process and section: the op of its last attempt, without the one that may still be being written."""
    completed = {op.value.get("process_id") for op in history.where(f=EMIT, event_type="process_completed")}
    finished: dict[str, dict[int, Op]] = {}
    for (process_id,), sources in history.where(f="source").group_by("process_id").items():
        ended = sources if process_id in completed else sources[:-1]
        begun_anew = {sources[-1].value.section_index} if process_id not in completed else set()
        finished[process_id] = {op.value.section_index: op for op in ended if op.value.section_index not in begun_anew}
    return finished


def _comparable_views(history: History) -> list[Op]:
    """The last view of each reader that is still there, entitled, and does not say that it is stale."""
    subscribers = audience(history)
    last = {(op.actor, op.value.process_id): op for op in history.where(f="view")}
    return [
        op
        for key, op in last.items()
        if not op.value.get("stale") and (key not in subscribers or subscribers[key].present)
    ]


def _section(view: Op, source: Op) -> Finding | None:
    index = source.value.section_index
    shown = _sections(view).get(index)
    detail = {
        "reader": view.actor,
        "process_id": view.value.process_id,
        "section_index": index,
        "attempt": source.value.get("attempt"),
        "written": {"sha256": source.value.sha256, "chars": source.value.chars},
        "shown": shown,
    }
    if shown is None:
        return Finding("section_missing", (source, view), detail)
    return Finding("section_differs", (source, view), detail) if shown != detail["written"] else None


def _sections(view: Op) -> Mapping[int, Mapping[str, Any]]:
    return {
        section["section_index"]: {"sha256": section["sha256"], "chars": section["chars"]}
        for section in view.value.get("sections", ())
    }


def _articles(views: list[Op], history: History) -> Iterator[Finding]:
    tables = {op.value.process_id: op for op in history.where(f="database")}
    for view in views:
        table = tables.get(view.value.process_id)
        stored = table.value.get("article_sha256") if table is not None else None
        shown = view.value.get("article_sha256")
        if table is not None and stored is not None and shown is not None and shown != stored:
            detail = {"reader": view.actor, "process_id": view.value.process_id, "written": stored, "shown": shown}
            yield Finding("article_differs", (table, view), detail)


def _changed_events(history: History) -> Iterator[Finding]:
    emits = {op.value.get("event_id"): op for op in history.where(f=EMIT, type="ok")}
    merged = merged_into(history)
    for apply in history.where(f=APPLY, type="ok"):
        emit = emits.get(apply.value.get("event_id"))
        if emit is not None and changed(emit, apply, merged):
            yield Finding("event_changed", (emit, apply), _event_detail(apply))


def _event_detail(apply: Op) -> Mapping[str, Any]:
    keys = ("process_id", "event_id", "event_type", "sequence")
    return {"reader": apply.actor, **{key: apply.value.get(key) for key in keys}}
