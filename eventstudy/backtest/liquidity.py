"""Volume and volatility before a trade: participation and the square-root law of impact."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from eventstudy.prices.table import PriceTable

Floats = npt.NDArray[np.float64]
SESSIONS = 20
"""Sessions over which volume and volatility are taken."""


def usual_volume(volume: Floats) -> float:
    """Return the median of the finite volumes of shape (n,); NaN without one."""
    known = volume[np.isfinite(volume)]
    return float(np.median(known)) if len(known) else float("nan")


def usual_before(table: PriceTable, row: int, ticker: str) -> float:
    """Return the usual volume over the last `SESSIONS` sessions up to a row."""
    recent = slice(max(row + 1 - SESSIONS, 0), row + 1)
    return usual_volume(table.volume[recent, table.column(ticker)])


def daily_volatility(close: Floats) -> float:
    """Return the standard deviation (ddof 1) of close-to-close returns.

    Parameters
    ----------
    close : ndarray, shape (n,)
        NaN where there is no bar: left out. NaN for fewer than three closes.
    """
    known = close[np.isfinite(close)]
    return float(np.std(known[1:] / known[:-1] - 1.0, ddof=1)) if len(known) > 2 else float("nan")


def square_root_impact(size: float, volume: float, sigma: float, coefficient: float) -> float:
    """Return by what fraction of the price an order moves it against itself.

    ``coefficient x sigma x sqrt(|size| / volume)``, sigma and volume per session. The
    coefficient is of the order of one in the literature.

    References
    ----------
    Almgren, R., Thum, C., Hauptmann, E. and Li, H. (2005). Direct estimation of equity market
    impact. Risk 18(7), 58-62 (exponent 3/5 there).
    Toth, B. et al. (2011). Anomalous price impact and the critical nature of liquidity in
    financial markets. Physical Review X 1, 021006 (square root).
    """
    return coefficient * sigma * float(np.sqrt(abs(size) / volume))


def impact_before(
    table: PriceTable, row: int, ticker: str, size: float, coefficient: float
) -> float:
    """Return the impact of an order sent after the close of a session, from data up to it.

    NaN where volume or volatility is not known, or the volume is zero; zero for a
    coefficient of zero.
    """
    if not coefficient:
        return 0.0
    volume = usual_before(table, row, ticker)
    sigma = daily_volatility(table.close[max(row - SESSIONS, 0) : row + 1, table.column(ticker)])
    if not volume > 0:
        return float("nan")
    return square_root_impact(size, volume, sigma, coefficient)


def participation_scale(
    sizes: Mapping[str, float], table: PriceTable, row: int, share: float
) -> tuple[float, str]:
    """Return the factor that keeps every leg within a share of its usual volume.

    Parameters
    ----------
    sizes : mapping of str to float
        Shares by ticker.
    table : PriceTable
    row : int
        Session of the decision: volumes of the last `SESSIONS` sessions up to it count.
    share : float
        Largest fraction of the median volume.

    Returns
    -------
    scale : float
        At most 1; zero where a volume is not known.
    ticker : str
        Whose volume binds.
    """
    found = []
    for ticker, size in sizes.items():
        usual = usual_before(table, row, ticker)
        found.append((share * usual / abs(size) if usual > 0 else 0.0, ticker))
    scale, ticker = min(found)
    return min(scale, 1.0), ticker
