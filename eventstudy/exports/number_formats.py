"""How a column of numbers is shown in a spreadsheet, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

DATE, COUNT, PERCENT, P, NUMBER, MONEY = (
    "yyyy-mm-dd", "0", "0.00%", "0.0000", "0.0000", "#,##0.00",
)  # fmt: skip

PERCENTS = frozenset({
    "ar", "ar_se", "car", "se", "sigma", "caar", "lo", "hi", "mde", "alpha", "bhar",
    "mean_bhar", "median_bhar", "return", "total_return", "annual_return", "volatility",
    "max_drawdown", "hit_rate", "average_gross", "average_net", "exposure", "worst_day",
    "worst_month", "positive_months", "alpha_se", "alpha_hac_se", "gross", "net", "mae", "mfe",
    "return_on_staked", "share_of_pnl", "psr", "dsr",
})  # fmt: skip
"""Fractions."""

MONEYS = frozenset({
    "entry_price", "exit_price", "price", "pnl", "costs", "value", "commission", "slippage",
    "borrow", "dividends", "interest", "staked", "earned", "hindsight", "capacity",
})  # fmt: skip


LOGS = frozenset({"volume"})
"""Tables whose errors are in logs."""


def format_of(frame: str, name: str, values: pd.Series) -> str | None:
    """Return a number format; None for a column of words.

    Parameters
    ----------
    frame, name : str
        Of the table and of the column.
    values : Series
    """
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    if is_datetime64_any_dtype(values):
        return DATE
    if not is_numeric_dtype(values) or is_bool_dtype(values):
        return None
    if name in PERCENTS and frame not in LOGS:
        return PERCENT
    if name in MONEYS:
        return MONEY
    if name.startswith("p_") or name.endswith("_p"):
        return P
    known = values.dropna()
    return COUNT if bool((known == known.round()).all()) else NUMBER
