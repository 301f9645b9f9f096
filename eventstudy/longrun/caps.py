"""Market capitalisations from a file, for value-weighted portfolios."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def read_caps(path: str | Path) -> pd.DataFrame:
    """Return market capitalisations by date and ticker.

    Parameters
    ----------
    path : str or Path
        A CSV or Parquet file with a column ``date`` and a column a ticker, laid out as a wide
        file of prices; a cell is empty where nothing is known.

    Returns
    -------
    DataFrame, shape (S, K)
        Indexed by date, in the file's own unit.

    Raises
    ------
    InputError
        With every fault of the file: row, column, value.
    PriceError
        Where there is no such file.
    """
    import pandas as pd

    from eventstudy.prices.contract import PriceInputError
    from eventstudy.prices.files import FileSource

    try:
        table = FileSource(Path(path).expanduser()).load(None, None, None)
    except PriceInputError as error:
        faults = [
            replace(fault, problem=fault.problem.replace("adj_close", "a capitalisation"))
            for fault in error.faults
        ]
        raise InputError(faults) from None
    index = pd.DatetimeIndex(table.dates, name="date")
    return pd.DataFrame(table.adj_close, index=index, columns=list(table.tickers))
