"""Tests over events: one contract, one dict of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from eventstudy.errors import UnknownNameError
from eventstudy.significance.contract import Significance, SignificanceTest, Verdict
from eventstudy.significance.corrado import Corrado, CorradoZivney
from eventstudy.significance.cumrank import Cumrank
from eventstudy.significance.grank import GrankT, GrankZ
from eventstudy.significance.parametric import (
    Bmp,
    CrossSectional,
    DateClustered,
    KolariPynnonen,
    Patell,
    PatellAdjusted,
    TimeSeries,
)
from eventstudy.significance.portfolio import CalendarPortfolio
from eventstudy.significance.rank import GeneralizedSign, Sign, Wilcoxon
from eventstudy.significance.resampling import ClusterBootstrap, PlaceboShift
from eventstudy.significance.sample import CONVENTIONS, Sample
from eventstudy.significance.skewness import Hall, SkewnessAdjusted

__all__ = [
    "CONVENTIONS",
    "TESTS",
    "Sample",
    "Significance",
    "SignificanceTest",
    "Verdict",
    "find_tests",
]

TESTS: Mapping[str, SignificanceTest] = MappingProxyType(
    {
        found.name: found
        for found in (
            TimeSeries(),
            CrossSectional(),
            SkewnessAdjusted(),
            Hall(),
            Patell(),
            PatellAdjusted(),
            Bmp(),
            KolariPynnonen(),
            DateClustered(),
            CalendarPortfolio(),
            Sign(),
            GeneralizedSign(),
            Wilcoxon(),
            Corrado(),
            CorradoZivney(),
            GrankT(),
            GrankZ(),
            Cumrank(),
            ClusterBootstrap(),
            PlaceboShift(),
        )
    }
)


def find_tests(given: Iterable[str | SignificanceTest] | None) -> tuple[SignificanceTest, ...]:
    """Return tests by name or as they are; all of them for None.

    Raises
    ------
    UnknownNameError
        Where there is no such name.
    """
    found = []
    for item in TESTS.values() if given is None else given:
        if isinstance(item, str):
            if item not in TESTS:
                raise UnknownNameError("test", item, TESTS)
            found.append(TESTS[item])
        else:
            found.append(item)
    return tuple(found)
