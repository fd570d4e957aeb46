"""Verdicts as JUnit XML: one case per checker; invalid is a failure, unknown an error."""

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree

from harness.checkers.checker import Valid, Verdict
from harness.history import History
from harness.history.secrets import hide_secrets
from harness.report.circumstances import Circumstances
from harness.report.stories import stories

_TOLD: Final = 20
"""How many stories a case tells; the HTML report has them all."""
_NO_XML: Final = re.compile(r"[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def junit(header: Mapping[str, Any], verdicts: Mapping[str, Verdict], history: History | None = None) -> str:
    """The document, with its XML declaration. The suite is named for the scenario, the cases for the checkers.

    With the `history`, findings are told with what else went on at that time.
    """
    circumstances = Circumstances.of(history or History())
    values = [verdict.valid for verdict in verdicts.values()]
    suite = ElementTree.Element(
        "testsuite",
        name=_clean(str(header.get("scenario", "run"))),
        tests=str(len(values)),
        failures=str(values.count(Valid.NO)),
        errors=str(values.count(Valid.UNKNOWN)),
    )
    if history:
        suite.set("time", f"{history[-1].time:.3f}")
    for name, verdict in verdicts.items():
        _case(suite, f"{header.get('scenario', 'run')} seed {header.get('seed')}", name, verdict, circumstances)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _case(
    suite: ElementTree.Element, classname: str, name: str, verdict: Verdict, circumstances: Circumstances
) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=_clean(classname), name=_clean(name))
    if verdict.valid is Valid.NO:
        count = len(verdict.findings)
        told = [story.text for story in stories(verdict.findings, circumstances)]
        more = [f"and {len(told) - _TOLD} more: see report.html"] if told[_TOLD:] else []
        failure = ElementTree.SubElement(case, "failure", message=f"{count} finding{'s' if count != 1 else ''}")
        failure.text = _clean("\n".join([*told[:_TOLD], *more]))
    elif verdict.valid is Valid.UNKNOWN:
        ElementTree.SubElement(case, "error", message=_clean(verdict.reason))


def _clean(text: str) -> str:
    """Without secrets, and without the characters that XML cannot hold."""
    return _NO_XML.sub("\ufffd", hide_secrets(text))
