"""What a figure is: a plotly specification, its words, and what a reader can choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """One selector beside a figure.

    Attributes
    ----------
    label : str
    options : tuple of (key, text)
    """

    label: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the page.

    Attributes
    ----------
    name : str
        Identifier in the page, unique.
    title : str
    caption : str
        What is drawn and how to read it.
    alternative : str
        The numbers in words, for who cannot see the figure.
    spec : dict
        ``data`` and ``layout`` as plotly takes them, plain lists and numbers throughout.
    choices : tuple of Choice
        Selectors, in the order of the parts of a variant's key.
    variants : mapping of str to dict
        Specification by the chosen keys joined with ``|``; holds the initial one too.
    start : str
        Key of the variant that `spec` is.
    """

    name: str
    title: str
    caption: str
    alternative: str
    spec: Spec
    choices: tuple[Choice, ...] = ()
    variants: Mapping[str, Spec] = field(default_factory=dict)
    start: str = ""


def key_part(name: str) -> str:
    """Return a name as a part of a variant's key: what joins the parts is not in it."""
    return name.replace("|", "\N{BROKEN BAR}")


def key_of(*names: str) -> str:
    """Return the key of the variant that these choices make."""
    return "|".join(map(key_part, names))


def with_variants(
    name: str,
    title: str,
    caption: str,
    alternative: str,
    choices: tuple[Choice, ...],
    variants: Mapping[str, Spec],
    start: str,
) -> Figure:
    """Return a figure that starts with one of its variants."""
    return Figure(name, title, caption, alternative, variants[start], choices, variants, start)
