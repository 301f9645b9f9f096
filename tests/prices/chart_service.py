"""A chart service on the loopback that answers as Yahoo's does, from a script."""

import json
import threading
from calendar import timegm
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import strptime
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, str] | float


class ChartService:
    """Answers ``/v8/finance/chart/TICKER`` from a script, and counts what it is asked.

    ``answers[ticker]`` is a list; the last entry is repeated for ever. An entry is a status and
    a body, or a number of seconds to stay silent. Questions for one day (yfinance asks for the
    zone that way) are answered from ``zones`` where the ticker stands there. ``pages`` holds
    status and text of ``/calendar/earnings?symbol=TICKER``.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.zones: dict[str, tuple[int, str]] = {}
        self.pages: dict[str, tuple[int, str]] = {}
        self.asked: Counter[str] = Counter()
        self.paths: list[str] = []
        self.closing = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.reply(self)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def reply(self, handler: BaseHTTPRequestHandler) -> None:
        split = urlsplit(handler.path)
        self.paths.append(split.path)
        ticker = unquote(split.path.rsplit("/", 1)[-1])
        one_day = parse_qs(split.query).get("range") == ["1d"]
        symbol = parse_qs(split.query).get("symbol", [""])[0]
        if split.path == "/calendar/earnings":
            answer: Answer = self.pages.get(symbol, (404, "<html></html>"))
        elif not split.path.startswith("/v8/finance/chart/"):
            answer = (404, '{"quoteSummary": {"result": null, "error": null}}')
        elif one_day and ticker in self.zones:
            answer = self.zones[ticker]
        else:
            self.asked[ticker] += 1
            script = self.answers.get(ticker, [NOT_FOUND])
            answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, float):
            self.closing.wait(answer)
            return
        status, body = answer
        content = body.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


NO_DATA = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
NOT_FOUND = (404, json.dumps({"chart": {"result": None, "error": NO_DATA}}))


def session_stamp(day: str, hour_utc: str = "14:30") -> int:
    """Return the POSIX time of a clock time in UTC; New York opens at 14:30 in winter."""
    return timegm(strptime(f"{day} {hour_utc}", "%Y-%m-%d %H:%M"))


def chart_body(
    days: list[str],
    closes: list[float | None],
    *,
    adj: list[float | None] | None = None,
    dividends: dict[str, float] | None = None,
    splits: dict[str, tuple[float, float]] | None = None,
    zone: str = "America/New_York",
    hour_utc: str = "14:30",
    close_utc: str = "21:00",
) -> str:
    """Return what the chart service sends, in its own shape."""
    stamps = [session_stamp(day, hour_utc) for day in days]
    last = days[-1] if days else "2024-12-27"
    period = {
        "timezone": "EST",
        "gmtoffset": -18000,
        "start": session_stamp(last, hour_utc),
        "end": session_stamp(last, close_utc),
    }
    meta = {
        "currency": "USD",
        "symbol": "X",
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "gmtoffset": -18000,
        "timezone": "EST",
        "exchangeTimezoneName": zone,
        "priceHint": 2,
        "currentTradingPeriod": {
            "pre": dict(period),
            "regular": dict(period),
            "post": dict(period),
        },
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }
    quote = {
        "open": [None if c is None else c - 1.0 for c in closes],
        "high": [None if c is None else c + 2.0 for c in closes],
        "low": [None if c is None else c - 2.0 for c in closes],
        "close": closes,
        "volume": [None if c is None else 1000 + i for i, c in enumerate(closes)],
    }
    events: dict[str, object] = {}
    if dividends:
        events["dividends"] = {
            str(session_stamp(day, hour_utc)): {
                "amount": cash,
                "date": session_stamp(day, hour_utc),
            }
            for day, cash in dividends.items()
        }
    if splits:
        events["splits"] = {
            str(session_stamp(day, hour_utc)): {
                "date": session_stamp(day, hour_utc),
                "numerator": up,
                "denominator": down,
                "splitRatio": f"{up}:{down}",
            }
            for day, (up, down) in splits.items()
        }
    result = {
        "meta": meta,
        "timestamp": stamps,
        "events": events,
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": adj or closes}]},
    }
    return json.dumps({"chart": {"result": [result], "error": None}})
