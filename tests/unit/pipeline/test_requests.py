"""What the HTTP side's door takes and refuses."""

from uuid import UUID

import pytest

from harness.errors import InvalidRequest
from harness.pipeline.requests import (
    Acknowledgement,
    EventsQuery,
    InputPayload,
    Nothing,
    StartGeneration,
    UserInput,
    body_of,
    checked,
)


def test_an_empty_body_is_all_defaults() -> None:
    assert body_of(StartGeneration, " \n") == StartGeneration()
    assert body_of(Nothing, "") == Nothing()


def test_a_start_carries_the_request_and_the_simulation() -> None:
    started = body_of(StartGeneration, '{"initial_request": {"keywords": ["札幌"]}, "simulation": {"sections": 5}}')

    assert started.initial_request == {"keywords": ["札幌"]}
    assert started.simulation.sections == 5


def test_an_answer_names_the_choice_in_either_way() -> None:
    one = body_of(UserInput, '{"response_type": "SELECT_PERSONA", "payload": {"selected_id": 1}}')
    id_ = "11111111-2222-4333-8444-555555555555"
    other = body_of(
        UserInput, f'{{"response_type": "SELECT_THEME", "payload": {{"selected_index": 2}}, "input_id": "{id_}"}}'
    )

    assert one.payload == InputPayload(selected_id=1)
    assert (other.payload, other.input_id) == (InputPayload(selected_index=2), UUID(id_))


def test_nul_is_dropped_from_keys_and_values() -> None:
    text = r'{"initial_request": {"a\u0000b": ["c\u0000", {"d": "\\u0000"}]}}'

    assert body_of(StartGeneration, text).initial_request == {"ab": ["c", {"d": "\\u0000"}]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON that can be stored"),
        ('{"initial_request": {"a": NaN}}', "NaN is no number"),
        ('{"initial_request": {"a": 1e999}}', "inf is no number"),
        (r'{"initial_request": {"a": "\ud800"}}', "surrogates not allowed"),
        ("[" * 100_000, "no JSON that can be stored"),
        ("[]", "body: Input should be a valid dictionary"),
        ('{"initial_requst": {}}', "initial_requst: unknown field"),
        ('{"simulation": {"chunk": 1}}', "simulation.chunk: unknown field"),
        ('{"simulation": {"chunks": 0, "sections": "x"}}', "simulation.sections: Input should be a valid integer"),
        ('{"simulation": {"chunks": 0, "sections": "x"}}', "simulation.chunks: Input should be greater than"),
        ('{"simulation": {"fatal_step": "dreaming"}}', "simulation.fatal_step: Input should be 'keyword_analyzing'"),
    ],
)
def test_a_bad_body_is_refused_with_every_fault_named(text: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words.replace("(", r"\(")):
        body_of(StartGeneration, text)


@pytest.mark.parametrize("up_to", ["-1", "2147483648", "null", '"x"'])
def test_an_acknowledgement_is_a_sequence(up_to: str) -> None:
    with pytest.raises(InvalidRequest, match="up_to_sequence"):
        body_of(Acknowledgement, f'{{"up_to_sequence": {up_to}}}')


def test_a_query_string_is_read_as_numbers() -> None:
    assert checked(EventsQuery, {"since_sequence": "7"}) == EventsQuery(since_sequence=7, limit=1000)
    with pytest.raises(InvalidRequest, match="limit"):
        checked(EventsQuery, {"limit": "0"})
