"""State and reducer of the specification's two hooks, to the letter: five event types are handled, and no order kept.

The accused's counterpart of `reducer.py`, last on the line: rows go in as they come and no one looks at their
numbers (D-56), all but five types fall to `default: console.log` (D-54), and what the state row says of input is read
from columns, which its own backend never writes: every update closes the dialog (D-42).

What never runs had to be mended, so that there is something to judge. All of it is here, in page.py and in
recovery.py:

| defect | the letter | what runs in its place |
|---|---|---|
| D-49 | `.on('system', cb)` without a filter throws at the first message, and `'SUBSCRIBED'` never comes there | connected on SUBSCRIBED, the join reply, as teams do |
| D-50 | `await channel.subscribe()`, which is no promise | nothing is awaited; still no error reaches the page |
| D-52 | the effect depends on what it changes: with React 18.3.1 and realtime-js 2.119.1 we saw 12,000 joins a second, and not one event handed on | refs, as teams do: one effect for each process |
| D-55 | `chunk` and `html_chunk`, `selected_id` and `selected_index`; no id of the question | what the application's HTTP side takes, and `input_id` from the event |
| D-60 | an interface that does not compile, `establishConnection` that says it is connected | the class alone; connected is when the events channel is joined again |
"""  # noqa: E501

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from harness.events.event import text_hash
from harness.events.types import ProcessCompleted, ProcessError, UserInputRequired
from harness.events.workflow import Phase
from harness.pipeline.reducer import Facts, ProcessState, Section

COMPLETED: Final = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalArticle:
    """What the end told; None where the event does not say it, which JavaScript shows as `undefined`."""

    title: Any
    content: Any
    article_id: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class HookState:
    """`GenerationState`. `question` and `error` are the data of the events that told of them."""

    current_step: str | None = None
    steps: Mapping[str, str] = field(default_factory=dict)
    is_waiting_for_input: bool = False
    input_type: str | None = None
    question: Mapping[str, Any] | None = None
    sections: Mapping[int, str] = field(default_factory=dict)
    final_article: FinalArticle | None = None
    error: Mapping[str, Any] | None = None

    @property
    def input_id(self) -> str:
        """The question that is answered now; empty if the event did not name it."""
        return str(self.question.get("input_id") or "") if self.question else ""


def on_event(state: HookState, event: Mapping[str, Any]) -> HookState:
    """`handleProcessEvent`: the state after a row of `process_events`; unchanged for a type that is not handled.

    Raises `TypeError`, as JavaScript does, where a type that is handled comes without its data (D-48).
    """
    handler = _HANDLERS.get(str(event.get("event_type")))
    return state if handler is None else handler(state, event.get("event_data"))


def on_state(state: HookState, row: Mapping[str, Any]) -> HookState:
    """`handleProcessStateUpdate`: the state after a row of `generated_articles_state`, older or newer alike (D-43)."""
    return replace(
        state,
        current_step=row.get("current_step"),
        is_waiting_for_input=bool(row.get("is_waiting_for_input")),
        input_type=row.get("expected_user_input"),
    )


def answered(state: HookState) -> HookState:
    """After a POST that succeeded, before the server has confirmed anything (D-59)."""
    return replace(state, is_waiting_for_input=False, input_type=None)


def shown(state: HookState, *, last_sequence: int) -> ProcessState:
    """What the page shows, in the words of the reference, as far as this hook knows.

    It does not look at the row's `status`: what a user would take it for is what the events have left behind.
    """
    return ProcessState(
        facts=Facts(
            status=_phase(state).value,
            current_step=state.current_step,
            is_waiting_for_input=state.is_waiting_for_input,
            expected_user_input=state.input_type,
        ),
        facts_sequence=last_sequence,
        last_event_sequence=last_sequence,
        steps=state.steps,
        question=_as(UserInputRequired, state.question),
        sections={index: Section(heading="", text=text) for index, text in state.sections.items()},
        error=_as(ProcessError, state.error),
        article=_article(state.final_article),
    )


def _step_update(state: HookState, data: Any) -> HookState:
    step = _property(data, "step")
    return replace(state, current_step=step, steps={**state.steps, step: "in_progress"})


def _user_input_required(state: HookState, data: Any) -> HookState:
    asked = _property(data, "input_type")
    return replace(state, is_waiting_for_input=True, input_type=asked, question=_object(data))


def _section_chunk(state: HookState, data: Any) -> HookState:
    index, text = _property(data, "section_index"), _property(data, "html_chunk") or ""
    return replace(state, sections={**state.sections, index: state.sections.get(index, "") + text})


def _process_completed(state: HookState, data: Any) -> HookState:
    article = FinalArticle(
        title=_property(data, "title"),
        content=_property(data, "final_content"),
        article_id=_property(data, "article_id"),
    )
    return replace(state, current_step=COMPLETED, final_article=article, steps=dict.fromkeys(state.steps, COMPLETED))


def _process_error(state: HookState, data: Any) -> HookState:
    _property(data, "message")
    return replace(state, error=_object(data))


_HANDLERS: Final[Mapping[str, Callable[[HookState, Any], HookState]]] = {
    "step_update": _step_update,
    "user_input_required": _user_input_required,
    "section_chunk": _section_chunk,
    "process_completed": _process_completed,
    "process_error": _process_error,
}
HANDLED: Final = frozenset(_HANDLERS)
"""The five event types of the `switch`."""


def _property(value: Any, name: str) -> Any:
    """`value.name` in JavaScript; None is its undefined."""
    if value is None:
        raise TypeError(f"Cannot read properties of undefined (reading '{name}')")
    return value.get(name) if isinstance(value, Mapping) else None


def _object(data: Any) -> Mapping[str, Any]:
    """What properties can be read of; of anything else they are all undefined."""
    return data if isinstance(data, Mapping) else {}


def _phase(state: HookState) -> Phase:
    if state.final_article is not None:
        return Phase.COMPLETED
    if state.is_waiting_for_input:
        return Phase.WAITING
    if state.error is not None:
        return Phase.RECOVERING if state.error.get("error_type") == "recoverable" else Phase.FAILED
    return Phase.NEW if state.current_step is None else Phase.RUNNING


_Model = TypeVar("_Model", bound=BaseModel)


def _as(model: type[_Model], data: Mapping[str, Any] | None) -> _Model | None:
    """The data as the reference would have it; None where it would refuse them, which the hook does not ask."""
    try:
        return None if data is None else model.model_validate(data)
    except ValidationError:
        return None


def _article(final: FinalArticle | None) -> ProcessCompleted | None:
    if final is None or not isinstance(final.content, str):
        return None
    told = {"content_sha256": text_hash(final.content), "content_chars": len(final.content)}
    return _as(ProcessCompleted, {"article_id": final.article_id, "title": final.title, **told})
