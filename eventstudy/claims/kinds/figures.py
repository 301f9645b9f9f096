"""Figures of a company's accounts: arithmetic, on which prices have no word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from eventstudy.claims.contract import CANNOT_BE_SAID, Finding, Kind, Number, Parameters
from eventstudy.claims.kinds.fields import StatedNumber
from eventstudy.claims.verdicts import agrees, facts, judged
from eventstudy.claims.wording import range_of, shown

if TYPE_CHECKING:
    from eventstudy.claims.evidence import Evidence

UNITS = {"growth": "growth", "share": "share", "level": "USD"}


class Figure(BaseModel):
    """One figure and what it has to equal.

    Attributes
    ----------
    what, period : str
    form : {"growth", "share", "level"}
        ``value / base - 1``, ``value / base`` or ``value``.
    value, base, stated : Stated
    source : str
    verified : bool
        Whether somebody has seen the figures in the source.
    beside : bool
        Shown, and no part of the claim.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: StrictStr
    period: StrictStr
    form: Literal["growth", "share", "level"]
    value: StatedNumber
    base: StatedNumber | None = None
    stated: StatedNumber
    source: StrictStr
    verified: StrictBool = True
    beside: StrictBool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.form == "level") == (self.base is not None):
            need = "has no" if self.form == "level" else "needs a"
            raise ValueError(f"form {self.form!r} {need} base")
        if self.base is not None and self.base.lo <= 0:
            raise ValueError(f"base {self.base.text!r} must be above zero")
        return self

    def computed(self) -> tuple[float, float, float]:
        """Return the figure with the range that the rounding of its parts leaves."""
        v, b = self.value, self.base
        if b is None:
            return v.value, v.lo, v.hi
        less = 1.0 if self.form == "growth" else 0.0
        ends = [x / y - less for x in (v.lo, v.hi) for y in (b.lo, b.hi)]
        return v.value / b.value - less, min(ends), max(ends)


class CompanyFiguresParameters(Parameters):
    """Parameters of `company_figures`."""

    figures: tuple[Figure, ...] = Field(min_length=1)


def check_company_figures(asked: CompanyFiguresParameters, _: Evidence) -> Finding:
    """Do the arithmetic of stated figures and name their period.

    Parameters
    ----------
    asked : CompanyFiguresParameters
    """
    numbers = [_number(figure) for figure in asked.figures]
    own = [f for f in asked.figures if not f.beside]
    open_ = [f.what for f in own if not f.verified]
    verdict = facts(judged(numbers))
    reason = "; ".join(
        f"{f.what}, {f.period}: {_arithmetic(f)}{_is(f)}, {f.stated.text} stated" for f in own
    )
    if open_:
        reason += ". The arithmetic stands on figures that nobody has verified"
    return Finding(
        verdict,
        reason,
        tuple(numbers),
        (f"figures as reported by: {'; '.join(dict.fromkeys(f.source for f in own))}",
         "each is exact to half of its last digit"),
        ("anything about prices: they do not bear on a company's accounts",),
    )  # fmt: skip


def _number(figure: Figure) -> Number:
    value, lo, hi = figure.computed()
    verdict = agrees(figure.stated, lo, hi)
    if not figure.verified:
        verdict = CANNOT_BE_SAID
    note = "" if figure.verified else " (unverified)"
    return Number(
        f"{figure.what}, {figure.period}{note}", value, UNITS[figure.form], lo, hi,
        verdict="" if figure.beside else verdict,
        test=f"{_arithmetic(figure)}; stated {figure.stated.text}",
    )  # fmt: skip


def _is(figure: Figure) -> str:
    """Return what the arithmetic gives; nothing for a level, which is there already."""
    if figure.base is None:
        return ""
    value, lo, hi = figure.computed()
    between = range_of(lo, hi, UNITS[figure.form])
    return f" is {shown(value, UNITS[figure.form])}{f' ({between} by rounding)' if between else ''}"


def _arithmetic(figure: Figure) -> str:
    if figure.base is None:
        return f"{figure.value.text} reported"
    sign = "against" if figure.form == "growth" else "of"
    return f"{figure.value.text} {sign} {figure.base.text}"


COMPANY_FIGURES = Kind(
    "company_figures",
    "figures of a company's accounts: growth, share or level, of a stated period",
    "supported where the arithmetic of the reported figures, with their rounding, reaches the "
    "stated number; contradicted where it does not; an unverified figure leaves it open",
    CompanyFiguresParameters,
    check_company_figures,
)
