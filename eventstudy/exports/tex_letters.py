"""Text for LaTeX: every character is shown, none is obeyed."""

from __future__ import annotations

import re

from eventstudy.letters import named, visible

IN_CELL, IN_LINE = 400, 6_000
"""Characters of one text; a longer one is cut, and says so."""

COMMANDS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", "\N{MINUS SIGN}": r"\ensuremath{-}",
    "\N{NO-BREAK SPACE}": "~", "\N{EN DASH}": "--", "\N{EM DASH}": "---",
    "\N{LESS-THAN OR EQUAL TO}": r"\ensuremath{\le}",
    "\N{GREATER-THAN OR EQUAL TO}": r"\ensuremath{\ge}",
    "\N{ALmost EQUAL TO}": r"\ensuremath{\approx}", "\N{NOT EQUAL TO}": r"\ensuremath{\ne}",
    "\N{RIGHTWARDS ARROW}": r"\ensuremath{\rightarrow}",
}  # fmt: skip
GREEK = {
    "\u03b1": "alpha", "\u03b2": "beta", "\u03b3": "gamma", "\u03b4": "delta",
    "\u03b5": "varepsilon", "\u03bb": "lambda", "\u03bc": "mu", "\u03c1": "rho",
    "\u03c3": "sigma", "\u03c4": "tau", "\u03c7": "chi", "\u0394": "Delta", "\u03a3": "Sigma",
}  # fmt: skip
IN_FONT = frozenset(
    "\u00a1\u00a2\u00a3\u00a4\u00a5\u00a6\u00a7\u00a8\u00a9\u00aa\u00ab\u00ac\u00ae\u00af\u00b0"
    "\u00b1\u00b2\u00b3\u00b4\u00b5\u00b6\u00b7\u00b8\u00b9\u00ba\u00bb\u00bc\u00bd\u00be\u00bf"
    + "".join(map(chr, range(0xC0, 0x100)))
    + "\u0102\u0103\u0104\u0105\u0106\u0107\u010c\u010d\u010e\u010f\u0110\u0111\u0118\u0119\u011a"
    "\u011b\u011e\u011f\u0130\u0131\u0139\u013a\u013d\u013e\u0141\u0142\u0143\u0144\u0147\u0148"
    "\u0150\u0151\u0152\u0153\u0154\u0155\u0158\u0159\u015a\u015b\u015e\u015f\u0160\u0161\u0162"
    "\u0163\u0164\u0165\u016e\u016f\u0170\u0171\u0178\u0179\u017a\u017b\u017c\u017d\u017e"
    "\u2018\u2019\u201a\u201c\u201d\u201e\u2020\u2021\u2022\u2026\u20ac\u2122"
)
"""Letters beyond ASCII that the fonts of pdfLaTeX have."""

LIGATURES = "-,<>`'?!"
BREAK = r"\allowbreak{}"
BREAK_AFTER = frozenset("/-_.,:;@+=?&|)([]")
LONG_WORD = 12
"""Letters after which a word without other places to break may be broken."""


def latex(text: str, *, breaks: bool = False, most: int = IN_LINE) -> str:
    r"""Return text that LaTeX sets as it is, on one line.

    Letters that its fonts lack are written by number, ``[U+4E00]``.

    Parameters
    ----------
    text : str
    breaks : bool
        Whether long words may be broken anywhere: for narrow cells.
    most : int
        Characters that are shown.
    """
    whole = visible(text)
    cut = whole if len(whole) <= most else whole[:most]
    words = re.split(r"( +)", cut)
    shown = "".join(_word(w, breaks) if not w.startswith(" ") else " " for w in words)
    if len(whole) > most:
        shown += rf" [\dots{{}} {len(whole) - most:,} more characters]"
    return shown


def _word(word: str, breaks: bool) -> str:
    parts, run = [], 0
    for i, letter in enumerate(word):
        following = word[i + 1 : i + 2]
        parts.append(_letter(letter))
        run += 1
        long = breaks and len(word) > LONG_WORD and following
        if long and (letter in BREAK_AFTER or run >= LONG_WORD):
            parts.append(BREAK)
            run = 0
        if letter in LIGATURES and following == letter:
            parts.append("{}")
    return "".join(parts)


def _letter(letter: str) -> str:
    if letter in COMMANDS:
        return COMMANDS[letter]
    if letter in GREEK:
        return rf"\ensuremath{{\{GREEK[letter]}}}"
    return letter if letter.isascii() or letter in IN_FONT else named(letter)
