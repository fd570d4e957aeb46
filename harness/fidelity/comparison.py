"""All that is compared of two runs of one recording: content, order, timing, or counts where phases matter.

Beside the straight line, the decision that `harness fidelity` prints.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.fidelity.declared import declare
from harness.fidelity.difference import Difference, compare
from harness.fidelity.frames import Frame, chosen_ids, frames
from harness.fidelity.phases import Delay, compare_delays, compare_phases, hangs_on_phases
from harness.fidelity.recording import Recording
from harness.fidelity.script import acts
from harness.fidelity.timing import causes, late_or_early


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was heard in one run, and when each act of the recording's script was done (ms), in order of doing.

    `complaints` are what the server itself said went wrong in it, where it tells.
    """

    recording: Recording
    acted: Mapping[int, float]
    complaints: Sequence[str] = ()


def as_played(recording: Recording) -> Run:
    """A recording as the run that it was."""
    return Run(recording=recording, acted={act.number: act.step.entry.t for act in acts(recording)})


def differences(script: Recording, expected: Run, got: Run) -> list[Difference]:
    """All differences between two runs of `script`, the declared ones as such."""
    known = chosen_ids(script)
    theirs, ours = frames(expected.recording, known=known), frames(got.recording, known=known)
    if hangs_on_phases(script.name):
        found = [
            *compare_phases(script.name, theirs, ours),
            *compare_delays(_delays(script, expected, theirs), _delays(script, got, ours)),
        ]
    else:
        changed, pairs = compare(theirs, ours)
        timed = late_or_early(pairs, _causes(expected), expected=expected.acted, got=got.acted)
        found = [*changed, *timed]
    return declare(script.name, found)


def _causes(run: Run) -> Mapping[int, int]:
    """Place of a frame → number in the script of the act that led to it, as the run itself has it."""
    numbers = list(run.acted)
    return {place: numbers[i] for place, i in causes(run.recording).items() if i < len(numbers)}


def _delays(script: Recording, run: Run, heard: Sequence[Frame]) -> list[Delay]:
    """The delays, with the section of the script in which the cause stands.

    All frames of one kind that one act leads to are one sample: they come together.
    """
    found, sections = _causes(run), list(_sections(script))
    samples: dict[tuple[int, str], Delay] = {}
    for frame in heard:
        number = found.get(frame.place)
        if number is not None:
            kind = frame.key.partition(" ")[0]
            delay = Delay(section=sections[number], kind=kind, ms=frame.t - run.acted[number])
            samples.setdefault((number, kind), delay)
    return list(samples.values())


def _sections(script: Recording) -> Iterator[str]:
    """For each act of the script the last note before it: what the recorder said it was about to do."""
    notes = [entry for entry in script.entries if entry.dir == "note" and entry.c == "-"]
    for act in acts(script):
        before = [note.text for note in notes if note.t <= act.step.entry.t]
        yield before[-1] if before else ""
