"""Hides tokens, keys and passwords in text that leaves the run: history files and reports."""

import re
from typing import Final

_PATTERNS: Final = (
    (re.compile(r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"), "[token]"),
    (re.compile(r"\bsb_(?:secret|publishable)_[\w-]+"), "[key]"),
    (re.compile(r"(\b[a-z][a-z0-9+]*://[^\s:/@\"]+):[^\s/@\"]+@"), r"\1:[password]@"),
)
_SIGNS: Final = ("eyJ", "sb_", "://")
_SECRET_NAME: Final = re.compile(r"secret|token|password|(^|_)keys?$", re.IGNORECASE)


def hide_secrets(text: str) -> str:
    """`text` with JSON web tokens, Supabase API keys and passwords in URLs replaced by what they were.

    The replacements are plain letters and brackets, so JSON stays JSON and HTML stays HTML.
    """
    if not any(sign in text for sign in _SIGNS):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def names_a_secret(name: str) -> bool:
    """Whether a setting of this name holds something that no report may show."""
    return _SECRET_NAME.search(name) is not None
