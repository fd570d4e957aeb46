"""A worker's stage goes on when the master says so."""

import gevent  # type: ignore[import-untyped]

from load.playing.player import Barrier


def reached(barrier: Barrier) -> bool:
    """Whether the master is told that the stage is here, or gone."""
    here = gevent.spawn(barrier.here)
    gevent.idle()
    found = bool(here.ready())
    here.kill()
    return found


def test_the_master_waits_for_the_stage_and_the_stage_for_the_master() -> None:
    barrier = Barrier()

    before = reached(barrier)
    stage = gevent.spawn(barrier.wait)
    gevent.idle()
    there, waits = reached(barrier), not stage.ready()
    barrier.begin(7.5)

    assert (before, there, waits, stage.get(timeout=1)) == (False, True, True, 7.5)


def test_each_generation_is_waited_for_anew() -> None:
    barrier = Barrier()
    first = gevent.spawn(barrier.wait)
    gevent.idle()
    barrier.begin(1.0)

    between = reached(barrier)
    second = gevent.spawn(barrier.wait)
    gevent.idle()
    barrier.begin(2.0)

    assert (first.get(timeout=1), between, second.get(timeout=1)) == (1.0, False, 2.0)


def test_a_stage_that_has_ended_is_not_waited_for() -> None:
    barrier = Barrier()

    barrier.leave()
    left = reached(barrier)
    barrier.begin(1.0)

    assert (left, reached(barrier)) == (True, True)
