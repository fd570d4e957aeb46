"""What a recording takes for granted is read from the recording."""

from harness.fidelity import library
from harness.fidelity.conditions import LEFT_BY, conditions


def test_conditions_of_the_recordings_that_come_with_the_harness() -> None:
    found = {name: conditions(library.read(file)) for name, file in library.known().items()}

    assert sorted(name for name, each in found.items() if each.alone) == [
        "p10_bulk.v1",
        "p10_bulk.v2",
        "p13_failures.v2",
        "p13b_pgrestart.v2",
        "p13c_dbrestart.v2",
    ]
    assert [name for name in ("p11b_cold.v2", "p13c_dbrestart.v2", "p12_rls.v1") if found[name].warm] == []
    assert [name for name in ("p02_changes.v1", "p12_rls.v2", "p16_poison.v2") if not found[name].warm] == []


def test_a_recording_that_leaves_rows_for_another_is_there() -> None:
    assert set(LEFT_BY.values()) <= set(library.known())
