import sys

import pytest

from harness.clients.realtime_py import OfficialPyClient
from harness.errors import ClientMissing


def test_without_the_package_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "realtime", None)

    with pytest.raises(ClientMissing, match=r"pip install 'realtime-harness\[clients\]'"):
        OfficialPyClient("ws://127.0.0.1:1/socket", apikey="k", token=None)
