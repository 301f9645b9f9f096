"""A loopback for yfinance, price files to write, and the folder of vendor quotes."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chart_service import ChartService

VENDOR = Path(__file__).parents[2] / "../shared/prices"


@pytest.fixture
def vendor() -> Path:
    if not VENDOR.is_dir():
        pytest.skip("the folder of real vendor quotes (../shared/prices) is not there")
    return VENDOR


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write text files into a folder ``prices`` and return it."""

    def put(**files: str) -> Path:
        folder = tmp_path / "prices"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        return folder

    return put


YAHOO_HOSTS = (
    "https://query1.finance.yahoo.com",
    "https://query2.finance.yahoo.com",
    "https://finance.yahoo.com",
)


@pytest.fixture
def chart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ChartService]:
    """Point every address of yfinance at the loopback; its parsing stays its own."""
    import yfinance as yf
    import yfinance.cache
    import yfinance.data

    service = ChartService()
    for name, module in list(sys.modules.items()):
        if name == "yfinance" or name.startswith("yfinance."):
            for key, value in list(vars(module).items()):
                host = isinstance(value, str) and next(
                    (h for h in YAHOO_HOSTS if value.startswith(h)), None
                )
                if host:
                    monkeypatch.setattr(module, key, service.url + value[len(host) :])
    # The cookie and the crumb have addresses written into the code; charts need neither.
    monkeypatch.setattr(
        yfinance.data.YfData, "_get_cookie_and_crumb", lambda self, timeout=30: (None, "basic")
    )
    # Its memory of zones is a database under the user's home; here every test starts without.
    monkeypatch.setattr(yfinance.cache._TzCacheManager, "_tz_cache", yfinance.cache._TzCacheDummy())
    monkeypatch.setenv("EVENTSTUDY_CACHE", str(tmp_path / "cache"))
    before = yf.config.debug.hide_exceptions
    yield service
    assert yf.config.debug.hide_exceptions == before  # the source puts settings back
    service.close()


@pytest.fixture
def pages(chart: ChartService, monkeypatch: pytest.MonkeyPatch) -> ChartService:
    """Point the page of earnings dates, whose address is written into the code, at the loopback."""
    import yfinance.data

    ask = yfinance.data.YfData._make_request

    def moved(self: object, url: str, *given: object, **more: object) -> object:
        for host in YAHOO_HOSTS:
            url = url.replace(host, chart.url)
        return ask(self, url, *given, **more)

    monkeypatch.setattr(yfinance.data.YfData, "_make_request", moved)
    return chart
