"""What `harness bugs` found, told: one block a class, and a sentence at the end."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

MARKS: Final = {0: "✓", 1: "✗", 2: "?"}
WORDS: Final = {0: "as expected", 1: "NOT AS EXPECTED", 2: "UNKNOWN"}
"""By the code of a row: as it should be, otherwise, or not to be judged."""

Document = Mapping[str, Any]
"""What is known of one class, as in `harness bugs --json`."""


def told(documents: Sequence[Document], seconds: float) -> str:
    """All rows in the order of their classes, how many are as they should be, and again which ones are not, and why."""
    blocks = [line for document in documents for line in (*block(document), "")]
    others = [document for document in documents if document["code"] != 0]
    expected = len(documents) - len(others)
    return "\n".join([*blocks, f"{expected} of {len(documents)} as expected, in {seconds:.0f} s", *_again(others)])


def _again(documents: Sequence[Document]) -> Iterator[str]:
    """Where a long list ends, its reader looks first."""
    for document in documents:
        yield f"{MARKS[document['code']]} {document['id']:<4}{document['title']} {WORDS[document['code']]}"
        for complaint in document["complaints"]:
            yield f"      {complaint}"


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
