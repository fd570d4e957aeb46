"""D-53: connected means the events channel; the state channel may be gone, and nobody is told."""

from typing import Final

from harness.clients.client import ChannelClosed
from tests.browser import STATE, accused, reference
from tests.defects.away import Reader
from tests.instant import run

DEFECT: Final = "D-53"


async def without_the_state_channel(stage: Reader) -> tuple[list[str], int]:
    """What is said after the server has closed that channel, and how many channels there are in the end."""
    await stage.live()
    said = len(stage.statuses())
    await stage.hear(ChannelClosed(topic=STATE))
    await stage.clock.sleep(10.0)
    channels = stage.reader.held()["channels"]
    statuses = stage.statuses()[said:]
    await stage.reader.close()
    return statuses, channels


def test_the_accused_says_nothing_and_never_joins_it_again() -> None:
    assert run(without_the_state_channel(accused())) == ([], 1)


def test_the_reference_is_offline_until_it_has_joined_it_afresh() -> None:
    statuses, channels = run(without_the_state_channel(reference()))

    assert (statuses, channels) == (["offline", "connecting", "catching_up", "live"], 2)
