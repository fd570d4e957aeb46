from harness.phoenix.close_codes import CLOSE_CODES


def test_every_code_of_the_server_is_told() -> None:
    assert sorted(CLOSE_CODES) == [1000, 1001, 1002, 1005, 1006, 1007, 1009, 1011, 1012]


def test_the_native_client_comes_back_after_every_code() -> None:
    assert all("native" in entry.reconnects for entry in CLOSE_CODES.values())


def test_an_old_python_client_stays_dead_after_a_friendly_close() -> None:
    dead = [code for code, entry in CLOSE_CODES.items() if "py<2.34" not in entry.reconnects]

    assert dead == [1000, 1001, 1005]
