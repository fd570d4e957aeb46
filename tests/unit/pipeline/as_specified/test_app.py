"""The accused as an application: its names, its parts, what it refuses."""

from random import Random

import pytest

from harness.errors import UsageError
from harness.history import Recorder
from harness.pipeline.app import App
from harness.pipeline.apps import app_named
from harness.pipeline.as_specified.app import AsSpecified
from tests.contracts.memory_store import MemoryStore
from tests.instant import InstantClock


def test_it_is_an_application_by_the_name_of_the_contract() -> None:
    app: App = app_named("as-specified")

    assert (app.name, app.debounce, app.timing.jitter) == ("as-specified", "as-specified", 0.0)


def test_its_debouncer_can_be_left_out() -> None:
    assert AsSpecified(debounce="off").debounce == "off"


def test_it_knows_no_policies() -> None:
    with pytest.raises(UsageError, match="as-specified or off"):
        AsSpecified(debounce="lossless")


def test_its_tables_are_ours_and_a_column_and_a_function() -> None:
    text = AsSpecified().more_tables("mine")

    assert 'alter table "mine".generated_articles_state add column if not exists article_context jsonb' in text
    assert 'create or replace function "mine".cleanup_old_process_events()' in text


def test_it_writes_through_no_store_but_its_own() -> None:
    clock = InstantClock()

    with pytest.raises(AssertionError):
        AsSpecified().publisher(MemoryStore(), recorder=Recorder(clock.now), clock=clock, rng=Random(1))
