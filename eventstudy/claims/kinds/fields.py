"""Types of parameters that several kinds share."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, StrictStr

from eventstudy.claims.stated import Stated, parse_stated


def _stated(value: object) -> Stated:
    if isinstance(value, Stated):
        return value
    if not isinstance(value, str):
        raise ValueError("write the number as text, such as '24%': its digits say how exact it is")
    return parse_stated(value)


def _day(value: object) -> dt.date:
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date | str):
        raise ValueError("write a date, such as 2024-12-13")
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no date such as 2024-12-13") from None


StatedNumber = Annotated[Stated, PlainValidator(_stated)]
Day = Annotated[dt.date, BeforeValidator(_day)]
Ticker = Annotated[StrictStr, Field(min_length=1)]
Sessions = Annotated[int, Field(ge=1, le=2_500, strict=True)]
Side = Literal["+", "-"]


class Series(BaseModel):
    """A ticker or basket, less another where one is given, and the side that is claimed.

    Attributes
    ----------
    long, short : str
    side : {"+", "-"}
        ``+`` for a rise of `long` (against `short`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    long: Ticker
    short: Ticker | None = None
    side: Side

    @property
    def name(self) -> str:
        """``AVGO less NVDA``."""
        return self.long if self.short is None else f"{self.long} less {self.short}"

    @property
    def sign(self) -> int:
        """1 or -1."""
        return 1 if self.side == "+" else -1

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        return (self.long,) if self.short is None else (self.long, self.short)
