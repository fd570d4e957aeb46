from dataclasses import fields

from harness.realtime.quirks import ABOUT, Quirks


def test_every_quirk_is_on_and_has_its_citation() -> None:
    assert {field.name for field in fields(Quirks)} == ABOUT.keys()
    assert all(getattr(Quirks(), name) is True for name in ABOUT)
    assert all(about.on and about.off and about.seen and about.since for about in ABOUT.values())
