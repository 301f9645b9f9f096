"""Sessions do not depend on which years of a calendar were built before."""

from __future__ import annotations

from datetime import date

import exchange_calendars as xcals
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy import sessions
from eventstudy.errors import EventStudyError
from eventstudy.events.reading import spanning_sessions

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
SPANS = st.tuples(st.integers(2015, 2024), st.integers(0, 3))


@settings(max_examples=4, deadline=None)
@given(spans=st.lists(SPANS, min_size=2, max_size=3))
def test_any_order_of_asking_gives_the_sessions_of_the_library(spans) -> None:
    sessions._BUILT.clear()
    for first, more in spans:
        start, end = date(first, 3, 1), date(first + more, 10, 31)
        found = sessions.exchange_sessions("XNYS", start, end)
        theirs = xcals.get_calendar("XNYS", start=f"{first}-01-01", end=f"{first + more}-12-31")
        schedule = theirs.schedule.loc[str(start) : str(end)]
        np.testing.assert_array_equal(found.days, schedule.index.to_numpy().astype("datetime64[D]"))
        closes = schedule["close"].dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
        np.testing.assert_array_equal(found.closes, closes)


def test_margins_end_where_the_calendar_does() -> None:
    """XTKS is known from 1997 on: exchange_calendars says so itself."""
    first = xcals.get_calendar("XTKS", start="2020-01-01").bound_min()
    found = spanning_sessions("XTKS", np.datetime64("2000-01-04"), np.datetime64("2000-01-04"))
    assert found.days[0] >= np.datetime64(first.date())
    assert found.days[0].astype("datetime64[Y]") <= np.datetime64("1998")
    with pytest.raises(EventStudyError, match="NOPE"):
        spanning_sessions("NOPE", np.datetime64("2000-01-04"), np.datetime64("2000-01-04"))
