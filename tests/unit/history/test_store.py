import errno
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.errors import CorruptHistory, DiskFull, HistoryError, NewerHistory
from harness.history import History, Recorder
from harness.history.store import HistoryWriter, create_run_folder, read

HEADER = {"scenario": "clean", "seed": 7, "backend": "memory"}
WALL = datetime(2026, 11, 24, 7, 45, 2, tzinfo=UTC)
OP = {"index": 0, "time": 0.5, "actor": "app", "f": "emit", "type": "ok", "value": {}}


def write_lines(path: Path, *lines: Any) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_what_was_recorded_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path, HEADER) as writer:
        recorder = Recorder(lambda: 1.25, sinks=(writer,))
        recorder.record("app", "emit", {"content": "札幌", "nested": {"a": [1, None]}})
        recorder.record("reader", "join", {"topic": "t"}, type="fail", error="refused")

    header, history = read(path)

    assert header == {"format": 1, **HEADER}
    assert list(history) == list(recorder.ops())


def test_every_line_is_in_the_file_before_the_next_op(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    writer = HistoryWriter(path, HEADER)
    recorder = Recorder(lambda: 0.0, sinks=(writer,))

    recorder.record("app", "emit", {})

    assert len(read(path)[1]) == 1  # the writer is still open: as if the run were killed now
    writer.close()


def test_the_format_of_the_writer_wins_over_the_header(tmp_path: Path) -> None:
    HistoryWriter(tmp_path / "h.jsonl", {**HEADER, "format": 99}).close()

    assert read(tmp_path / "h.jsonl")[0]["format"] == 1


def test_a_token_does_not_reach_the_file(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path, HEADER) as writer:
        Recorder(lambda: 0.0, sinks=(writer,)).record("r", "join", {"t": "eyJhbGciOiJI.eyJyb2xlIjoi.c2lnbmF0"})

    assert "eyJ" not in path.read_text()
    assert read(path)[1][0].value.t == "[token]"


def test_a_lone_surrogate_survives(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path, HEADER) as writer:
        Recorder(lambda: 0.0, sinks=(writer,)).record("r", "system", {"message": "a\ud800b"})

    assert read(path)[1][0].value.message == "a\ud800b"


def test_a_history_without_ops_is_a_history(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "h.jsonl", {"format": 1})

    assert len(read(path)[1]) == 0


def test_a_cut_last_line_is_corrupt_and_nothing_is_changed(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "h.jsonl", {"format": 1}, OP)
    path.write_text(path.read_text() + '{"index": 1, "ti')
    before = path.read_bytes()

    with pytest.raises(CorruptHistory, match="line 3: the line is cut off; the 1 ops before it are intact") as caught:
        read(path)

    assert (caught.value.line, caught.value.intact) == (3, 1)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("no json", "no JSON"),
        ("[1]", "no JSON object"),
        ('{"index": NaN}', "NaN is no JSON number"),
        ("[" * 100_000, "no JSON"),
        ({**OP, "index": 5}, "index jumps to 5 where 1 should come"),
        ({key: OP[key] for key in OP if key != "actor"} | {"index": 1}, "no actor"),
        ({**OP, "index": 1, "type": "maybe"}, "type 'maybe'"),
        ({**OP, "index": 1, "time": "soon"}, "time 'soon'"),
        ({**OP, "index": 1, "time": True}, "time True"),
        ({**OP, "index": 1, "value": []}, "value of this op has the wrong kind"),
        ({**OP, "index": 1, "error": 3}, "error of this op has the wrong kind"),
        ({**OP, "index": 1, "type": []}, "type of this op has the wrong kind"),
    ],
)
def test_a_line_that_is_no_op_is_named(tmp_path: Path, line: Any, reason: str) -> None:
    path = write_lines(tmp_path / "h.jsonl", {"format": 1}, OP, line)

    with pytest.raises(CorruptHistory, match=reason) as caught:
        read(path)

    assert (caught.value.line, caught.value.intact) == (3, 1)


@pytest.mark.parametrize("first", ["", "{}", "[]", "text", json.dumps(OP), '{"format": true}', '{"format": 0}'])
def test_a_first_line_that_is_no_header_is_named(tmp_path: Path, first: str) -> None:
    path = write_lines(tmp_path / "h.jsonl", first)

    with pytest.raises(CorruptHistory) as caught:
        read(path)

    assert (caught.value.line, caught.value.intact) == (1, 0)


def test_an_empty_file_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "h.jsonl").touch()

    with pytest.raises(CorruptHistory, match="line 1: the first line is no header"):
        read(tmp_path / "h.jsonl")


def test_bytes_that_are_no_text_are_corrupt(tmp_path: Path) -> None:
    (tmp_path / "h.jsonl").write_bytes(b'{"format": 1}\n\xff\xfe\x00\n')

    with pytest.raises(CorruptHistory, match="line 2"):
        read(tmp_path / "h.jsonl")


def test_a_newer_format_is_not_guessed_at(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "h.jsonl", {"format": 2})

    with pytest.raises(NewerHistory, match="format 2, this harness reads up to 1"):
        read(path)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="cannot be read: No such file"):
        read(tmp_path / "none.jsonl")


def test_a_run_folder_means_its_history(tmp_path: Path) -> None:
    write_lines(tmp_path / "history.jsonl", {"format": 1}, OP)

    assert len(read(tmp_path)[1]) == 1


def test_a_run_folder_is_named_for_scenario_time_and_seed(tmp_path: Path) -> None:
    folder = create_run_folder(tmp_path, "clean", 7, WALL)

    assert folder == tmp_path / "clean" / "20261124T074502Z-7"
    assert folder.is_dir()


def test_two_runs_in_one_second_get_two_folders(tmp_path: Path) -> None:
    folders = {create_run_folder(tmp_path, "clean", 7, WALL) for _ in range(3)}

    assert len(folders) == 3


def test_latest_points_to_the_newest_run(tmp_path: Path) -> None:
    create_run_folder(tmp_path, "first", 1, WALL)

    newest = create_run_folder(tmp_path, "second", 2, WALL)

    assert (tmp_path / "latest").resolve() == newest.resolve()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "latest", "second"]


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", refuse)

    with pytest.raises(DiskFull, match="no space left"):
        create_run_folder(tmp_path, "clean", 7, WALL)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_while_writing_is_said() -> None:
    with pytest.raises(DiskFull):
        HistoryWriter(Path("/dev/full"), HEADER)


def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a folder should be")

    with pytest.raises(HistoryError, match="cannot be written"):
        create_run_folder(tmp_path / "runs", "clean", 7, WALL)


def test_an_empty_history_has_no_ops() -> None:
    assert list(History()) == []


def test_a_history_cannot_be_written_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="cannot be written: No such file"):
        HistoryWriter(tmp_path / "none" / "history.jsonl", HEADER)


def test_a_folder_in_the_place_of_the_link_is_said_and_no_rest_is_left(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()

    with pytest.raises(HistoryError, match="latest cannot be written"):
        create_run_folder(tmp_path, "clean", 7, WALL)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean", "latest"]
