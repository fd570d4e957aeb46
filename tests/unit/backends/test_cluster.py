"""Which locale a version gets."""

from harness.backends.cluster import locales


def test_newer_servers_bring_their_locale_and_older_ones_fall_back_to_c() -> None:
    assert locales(17) == [["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
    assert locales(16) == [["--locale=C.UTF-8"], ["--locale=C"]]
