"""Bytes that should be text: UTF-8, or a fault that says where they are not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

from eventstudy.errors import Fault, InputError

WIDE = (b"\xff\xfe", b"\xfe\xff")
_TABLE = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?")
_KEY = re.compile(r"\s*([\w.\-\"']+)\s*=")
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def text_fault(data: bytes, file: str) -> Fault | None:
    """Return why bytes are no text in UTF-8, with the row of the first such byte, or None.

    Parameters
    ----------
    data : bytes
    file : str
        As the user named it.
    """
    if data.startswith(WIDE):
        return Fault(file, "this is UTF-16: save the file as UTF-8", row=1)
    zero = data.find(b"\x00")
    if zero >= 0:
        problem = "a zero byte, which no text has: save the file as UTF-8"
        if data[:200].count(b"\x00") > len(data[:200]) // 3:
            problem = "this looks like UTF-16: save the file as UTF-8"
        return Fault(file, problem, row=_row(data, zero))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 (byte 0x{data[error.start]:02x}): save the file as UTF-8"
        return Fault(file, problem, row=_row(data, error.start))
    return None


def _row(data: bytes, at: int) -> int:
    before = data[:at]
    return before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1


def toml_values(data: bytes, file: str) -> dict[str, Any]:
    """Return what a TOML file holds; lines may end in any way.

    Parameters
    ----------
    data : bytes
    file : str
        As the user named it.

    Raises
    ------
    InputError
        Where it is no text in UTF-8 or no TOML, with the row.
    """
    fault = text_fault(data, file)
    if fault is not None:
        raise InputError([fault])
    text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fault = _toml_fault(str(error), file, text)
    except RecursionError:
        fault = Fault(file, "no TOML that can be read: brackets or keys are nested too deeply")
    except ValueError:  # Python reads no integer of more than 4300 digits
        fault = Fault(file, "no TOML that can be read: a number has too many digits")
    raise InputError([fault])


def toml_row(data: bytes, keys: Sequence[str]) -> int | None:
    """Return the row on which a key of a TOML file stands, or else the table that it is in.

    Parameters
    ----------
    data : bytes
        A file that `toml_values` has read.
    keys : sequence of str
        The key with the tables that it is in, outermost first.
    """
    lines = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    table: list[str] = []
    best, found = 0, None
    for number, line in enumerate(lines, start=1):
        head, key = _TABLE.fullmatch(line), _KEY.match(line)
        if head is not None:
            table = _parts(head[1])
        at = table if head is not None else [*table, *_parts(key[1])] if key else []
        if best < len(at) <= len(keys) and at == list(keys[: len(at)]):
            best, found = len(at), number
    return found


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def _toml_fault(said: str, file: str, text: str) -> Fault:
    """Return what the reader of TOML says as a fault with its row."""
    found = _AT.search(said)
    if found is None:
        return Fault(file, f"no TOML: {said}")
    last = text.rstrip("\n").count("\n") + 1
    row = int(found[1]) if found[1] else last
    letter = f" (letter {found[2]} of the row)" if found[2] else " (the file ends there)"
    return Fault(file, f"no TOML: {said[: found.start()]}{letter}", row=min(row, last))
