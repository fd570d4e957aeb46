from itertools import product

import pytest

from harness.errors import IllegalMove
from harness.phoenix.channel import step
from harness.phoenix.connection import SOCKET_TABLE, SocketMove, SocketState


@pytest.mark.parametrize(("state", "move"), list(product(SocketState, SocketMove)))
def test_every_pair_goes_where_the_table_says_or_is_refused(state: SocketState, move: SocketMove) -> None:
    if (state, move) in SOCKET_TABLE:
        assert step(SOCKET_TABLE, state, move) is SOCKET_TABLE[state, move]
    else:
        with pytest.raises(IllegalMove):
            step(SOCKET_TABLE, state, move)


def test_an_ended_socket_never_moves_again() -> None:
    assert not [move for state, move in SOCKET_TABLE if state is SocketState.ENDED]
