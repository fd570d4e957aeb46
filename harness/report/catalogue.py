"""What `harness bugs` found, told: one block a class, and a sentence at the end."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

MARKS: Final = {0: "✓", 1: "✗", 2: "?"}
WORDS: Final = {0: "as expected", 1: "NOT AS EXPECTED", 2: "UNKNOWN"}
"""By the code of a row: as it should be, otherwise, or not to be judged."""

Document = Mapping[str, Any]
"""What is known of one class, as in `harness bugs --json`."""


def told(documents: Sequence[Document], seconds: float) -> str:
    """All rows in the order of their classes, and how many are as they should be."""
    blocks = [line for document in documents for line in (*block(document), "")]
    expected = sum(document["code"] == 0 for document in documents)
    return "\n".join([*blocks, f"{expected} of {len(documents)} as expected, in {seconds:.0f} s"])


def block(document: Document) -> Iterator[str]:
    """The row of one class."""
    code = document["code"]
    how = f"seed {document['seed']}, every interval ÷ {document['time_factor']:g}, {document['seconds']:.0f} s"
    yield f"{MARKS[code]} {document['id']:<4}{document['title']}"
    yield f"      users say   {document['users_say']} ({', '.join(one['name'] for one in document['reports'])})"
    yield f"      accused     {document['accused']}: {_convicted(document)}"
    yield f"      reference   {'acquitted' if document['acquitted'] else 'NOT ACQUITTED'}"
    yield f"      scenario    scenarios/bugs/{document['scenario']}.py, {how}"
    for who, run in document["runs"].items():
        if run.get("folder"):
            yield f"      {who + ', told':<18}{run['folder']}/report.html"
    for complaint in document["complaints"]:
        yield f"      {complaint}"


def _convicted(document: Document) -> str:
    names = ", ".join(document["convicted_by"])
    return f"convicted by {names}" if document["convicted"] else f"NOT CONVICTED by {names}"
