"""Writes the recorded histories beside it from the clean run and its mutants: `python -m tests.histories.write`."""

from pathlib import Path

from harness.history import History
from harness.history.store import HistoryWriter
from tests.histories.clean import HEADER, STEPS, clean_run
from tests.mutants.test_mutants import a_long_payload_is_cut, live_frames_overtake, the_server_loses_a_frame

HERE = Path(__file__).parent


def write(name: str, history: History) -> Path:
    path = HERE / f"{name}.jsonl"
    with HistoryWriter(path, {**HEADER, "scenario": name}) as writer:
        for op in history:
            writer(op)
    return path


def main() -> None:
    clean = clean_run(steps=STEPS[:1], sections=1, chunks=3)
    write("clean", clean)
    write("lost_silently", the_server_loses_a_frame(clean))
    write("inverted", live_frames_overtake(clean))
    write("truncated", a_long_payload_is_cut(clean))
    lines = write("cut", clean).read_text().splitlines(keepends=True)
    (HERE / "cut.jsonl").write_text("".join(lines[:41]) + lines[41][: len(lines[41]) // 2])
    newer = [lines[0].replace('"format":1', '"format":2'), *lines[1:11]]
    (HERE / "newer_format.jsonl").write_text("".join(newer))


if __name__ == "__main__":
    main()
