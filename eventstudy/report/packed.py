"""Data for the page: compact, compressed, and safe inside a script element."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.report.numbers import significant

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 5
"""Significant digits of numbers in the page."""


def inline_json(value: object) -> str:
    """Return JSON that cannot end or open an element: ``<``, ``>``, ``&`` and U+2028/9 escaped."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def packed(value: object) -> str:
    """Return JSON compressed by gzip and written in base64; the same for the same value."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def packed_frame(frame: pd.DataFrame, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Return a frame as columns; texts as codes into their distinct values.

    Parameters
    ----------
    frame : DataFrame
    kinds : mapping of str to str
        How each column is shown: ``text``, ``percent``, ``size`` (percent
        without a sign), ``number``, ``value`` (a number as it is), ``p``, ``count``, ``date``.
    """
    return {
        "rows": len(frame),
        "columns": [_column(name, frame[name], kind) for name, kind in kinds.items()],
    }


def _column(name: str, values: pd.Series, kind: str) -> dict[str, Any]:
    import pandas as pd

    if kind in ("text", "date"):
        if kind == "date":
            values = values.dt.strftime("%Y-%m-%d")
        codes, distinct = pd.factorize(values.astype("object").fillna("").astype(str))
        return {
            "name": name,
            "kind": "text",
            "codes": codes.tolist(),
            "texts": [str(text) for text in distinct],
        }
    return {"name": name, "kind": kind, "values": _rounded(values.to_numpy(dtype=float))}


def _rounded(values: Sequence[float] | np.ndarray[Any, Any]) -> list[float | int | None]:
    return [
        int(value) if value is not None and value.is_integer() and abs(value) < 1e15 else value
        for value in significant(values, DIGITS)
    ]
