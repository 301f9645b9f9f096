"""Characters that change how other text is shown, written so that one sees them."""

from __future__ import annotations

import re

_SPACES = re.compile(r"[\t\n\r\f\v\x85\u2028\u2029]+")
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)


# A terminal obeys the first two kinds (colours, titles, links, the clipboard, erased lines) and
# turns what follows the third; line breaks and tabs are lines and tables of ours.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Return a text of several lines in which a terminal finds nothing to obey."""
    return OBEYED.sub(lambda found: named(found[0]), text)


def visible(text: str) -> str:
    """Return a text on one line, controls and marks of direction as ``[U+202E]``."""
    one_line = _SPACES.sub(" ", text)
    return _HIDDEN.sub(lambda found: named(found[0]), one_line)


def unquoted(text: str) -> str:
    """Return a sentence without the backticks that the page sets names of tests by."""
    return re.sub(r"`([a-z0-9_]+)`", r"\1", text)


def named(letter: str) -> str:
    """Return a character by its number."""
    return f"[U+{ord(letter):04X}]"
