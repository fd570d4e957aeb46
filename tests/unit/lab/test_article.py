"""The generated input: an article as the flow tells it."""

from collections import Counter

from harness.events.types import ProcessCompleted, SectionChunk
from harness.lab.article import article


def test_an_article_is_streamed_at_the_rate_that_was_asked_for() -> None:
    chunks = [one for one in article(seed=1, chunks_per_s=40).sayings if isinstance(one.data, SectionChunk)]

    first = [one.at for one in chunks if isinstance(one.data, SectionChunk) and one.data.section_index == 0]
    assert len(chunks) == 600
    assert 35 < len(first) / (first[-1] - first[0]) < 45


def test_an_article_is_told_in_order_to_its_end() -> None:
    sayings = article(seed=1).sayings

    times = [one.at for one in sayings]
    assert (times[0], times) == (0.0, sorted(times))
    assert isinstance(sayings[-1].data, ProcessCompleted)


def test_what_is_saved_with_the_state_row_is_marked() -> None:
    saved = Counter(one.data.event_type for one in article(seed=1).sayings if one.saved)

    assert set(saved) == {"state_updated", "process_completed"}


def test_the_same_seed_gives_the_same_article_and_another_one_another() -> None:
    assert article(seed=4) == article(seed=4)
    assert article(seed=4) != article(seed=5)
