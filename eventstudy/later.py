"""What rests on later rows by design, and the words by which a result says so.

The property: a change to any price, factor or event that is dated after a session t changes no
number that is dated t or earlier. `LATER` lists all that is excepted; whoever prints such a number
takes the words from here. docs/look-ahead.md states how numbers are dated.
"""

from __future__ import annotations

from dataclasses import dataclass

MODEL = "use returns from after the event window"
ALL_PRICES = "later ones among them"
OWN_KIND = "those that came later among them"
HULL = "is settled over the whole hull of the windows"
DROPPED = "also for a later one"
TOGETHER = "estimated together, on sessions up to the last one's window"
UNNAMED = "no event names it or lists a member"
PRICE_DATES = "calendar prices"
LABELS = "set by someone who knew later prices"
ENDED = "prices had ended before the exit"
OPEN = "open at end of data"
WINDOW = "from the first decision to the last exit of any strategy"
SPLITS = "a later split rescales earlier prices and share numbers"
CEREBRO = "ran on Cerebro"
PLACEBO = "move all events through the whole table"


@dataclass(frozen=True, slots=True)
class LaterData:
    """Something that rests on later rows by design.

    Attributes
    ----------
    name : str
    what : str
        Which numbers, and what they rest on.
    words : str
        A part of the sentence by which results say so.
    where : str
        Where the words stand.
    """

    name: str
    what: str
    words: str
    where: str


LATER = (
    LaterData(
        "later-data models",
        "everything under a model that says so (`uses_later_data`), such as comparison-mean",
        MODEL,
        "cautions of study and report",
    ),
    LaterData(
        "placebo",
        "the p-values of the tests placebo and placebo_time: ranks among windows of all prices",
        ALL_PRICES,
        "assumptions of the test",
    ),
    LaterData(
        "placebo_kind",
        "the p-value of placebo_kind: a rank among all events of the kind",
        OWN_KIND,
        "assumptions of the test",
    ),
    LaterData(
        "whole hull",
        "whether an event is there, which members are in its basket and which donors stand in: "
        "a return that is missing on the last day of the hull decides for all days",
        HULL,
        "cautions of study and report; each loss in dropped",
    ),
    LaterData(
        "overlap drop",
        "whether an event is there: one that comes within a hull after it drops both",
        DROPPED,
        "cautions of study and report; each loss in dropped",
    ),
    LaterData(
        "overlap joint",
        "the numbers of a chain of overlapping events: one regression, dated by its last window",
        TOGETHER,
        "cautions of study and report",
    ),
    LaterData(
        "default baskets",
        "which baskets every event is observed on where `observed` is not given: those that any "
        "event of the calendar names",
        UNNAMED,
        "notes of study and report",
    ),
    LaterData(
        "calendar of price dates",
        "session 0 of news after the last session before it: the next date with a price; and which "
        "session is the fifth before an event that is still to come",
        PRICE_DATES,
        "question of study and report; notes of backtest",
    ),
    LaterData(
        "direction labels",
        "signs by `expects`: content of the calendar, whoever wrote it and whenever",
        LABELS,
        "cautions of study and report",
    ),
    LaterData(
        "end of a listing",
        "whether a pause is a halt or the end: an exit that falls due is sent again, or settled "
        "at the last price",
        ENDED,
        "notes of backtest and report; exit_reason in trades",
    ),
    LaterData(
        "end of the table",
        "trades that are still open, valued at the last close",
        OPEN,
        "exit_reason in trades",
    ),
    LaterData(
        "figures of the window",
        "metrics and the rest of what is said of a whole account: dated by the window's end",
        WINDOW,
        "notes of backtest and report",
    ),
    LaterData(
        "placebo calendars",
        "the p-values of placebo dates in luck",
        PLACEBO,
        "what luck rests on, in the report",
    ),
    LaterData(
        "adjusted prices",
        "prices, share numbers and dividends per share of trades, where a vendor adjusts for a "
        "later split; returns and values stay to 1e-12, but for dividends below half a cent a "
        "share read off adjusted closes",
        SPLITS,
        "notes of backtest and report",
    ),
    LaterData(
        "engine",
        "with engine auto the last digits (1e-9): a later missing bar or limit gives the whole "
        "run to Cerebro",
        CEREBRO,
        "notes of backtest",
    ),
)
