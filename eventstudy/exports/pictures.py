"""Figures as PNG, SVG and PDF: plotly's own specifications, drawn by Chromium through Kaleido."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Collection, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.disk import Writer
from eventstudy.errors import EventStudyError
from eventstudy.exports.contract import bytes_writer, figure_file
from eventstudy.exports.print_layout import DPI, Printed, caption_of, printed
from eventstudy.letters import visible

if TYPE_CHECKING:
    from eventstudy.exports.contract import Document
    from eventstudy.report.figures import Figure

EXTRA = "pip install 'eventstudy-backtester[figures]'"
BROWSER = (
    "figures as png, svg and pdf are drawn by Chrome or Chromium, and neither was found: install "
    "one (apt install chromium, or kaleido_get_chrome), or name it in the variable BROWSER_PATH"
)
SECONDS = 90
"""For one figure."""

WHEN = b"D:20000101000000+00'00'"
"""Date in every PDF: a file tells what it shows, not when it was made."""


class Pictures:
    """Writes ``figure-NAME.png`` and the like.

    Parameters
    ----------
    ending : {"png", "svg", "pdf"}
    what : str
    """

    def __init__(self, ending: str, what: str) -> None:
        self.ending, self.what = ending, what

    def check(self) -> None:
        """Refuse early where Kaleido or a browser is missing."""
        _require_browser()

    def files(self, document: Document, beside: Collection[str]) -> dict[str, Writer]:
        """Return what writes each figure."""
        return picture_files(document, [self.ending])[self.ending]

    def names(self, stem: str, tables: Collection[str], figures: Collection[str]) -> list[str]:
        """Return the names of all figures that there may be."""
        return [figure_file(name, self.ending) for name in figures]


def picture_files(document: Document, endings: Sequence[str]) -> dict[str, dict[str, Writer]]:
    """Return what writes each figure in each format, by ending; one start of the browser draws all.

    Parameters
    ----------
    document : Document
    endings : sequence of {"png", "svg", "pdf"}
    """
    pages = [(figure, printed(figure)) for figure in document.figures]
    drawn = iter(draw_each([(page, ending) for ending in endings for _, page in pages]))
    return {
        ending: {
            figure_file(figure.name, ending): bytes_writer(_finished(next(drawn), figure, ending))
            for figure, _ in pages
        }
        for ending in endings
    }


def picture(figure: Figure, ending: str, variant: str | None = None) -> bytes:
    """Return one figure as the content of a file.

    Parameters
    ----------
    figure : Figure
    ending : {"png", "svg", "pdf"}
    variant : str, optional
        See `eventstudy.exports.print_layout.printed`.
    """
    (found,) = draw_each([(printed(figure, variant), ending)])
    return _finished(found, figure, ending)


def _finished(content: bytes, figure: Figure, ending: str) -> bytes:
    return named(content, figure) if ending == "svg" else content


def draw_each(asked: Sequence[tuple[Printed, str]]) -> list[bytes]:
    """Return figures as the contents of files, all drawn by one start of the browser.

    The same figure gives the same content, whatever is drawn beside it.

    Parameters
    ----------
    asked : sequence of (Printed, {"png", "svg", "pdf"})

    Returns
    -------
    list of bytes
        In the order asked; png at `DPI` dots an inch.

    Raises
    ------
    EventStudyError
        Where Kaleido or a browser is missing, or the browser fails.
    """
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    _require_browser()
    # A thread of its own: a notebook has a loop that runs in this one.
    with ThreadPoolExecutor(1) as pool:
        drawn = pool.submit(asyncio.run, _drawn(asked)).result()
    finish: dict[str, Callable[[bytes], bytes]]
    finish = {"png": _with_resolution, "pdf": _without_clock, "svg": bytes}
    return [finish[ending](content) for (_, ending), content in zip(asked, drawn, strict=True)]


def _require_browser() -> None:
    """Refuse to draw where Kaleido or a browser is missing."""
    try:
        import kaleido  # noqa: F401 whether it is there
        from choreographer.browsers.chromium import Chromium
    except ImportError:
        raise EventStudyError(f"figures as png, svg and pdf need Kaleido: {EXTRA}") from None
    found = Chromium.find_browser(skip_local=False)
    if found is None:
        raise EventStudyError(BROWSER)
    if not Path(found).is_file():
        raise EventStudyError(f"{BROWSER}; it names {found}, which is no file")


def _painter() -> Any:
    """Return Kaleido, not started: with the figure library that is installed, and no network."""
    from importlib.resources import files

    import kaleido

    script = Path(str(files("eventstudy.exports") / "print.js"))
    page = kaleido.PageGenerator(mathjax=False, others=[script.as_uri()])
    page.header = page.header.replace("Kaleido-fier", "eventstudy")
    return kaleido.Kaleido(n=1, timeout=SECONDS, page_generator=page)


async def _drawn(asked: Sequence[tuple[Printed, str]]) -> list[bytes]:
    found = []
    try:
        async with _painter() as painter:
            for figure, ending in asked:
                scale = DPI / 96 if ending == "png" else 1
                size = {"width": figure.width, "height": figure.height, "scale": scale}
                found.append(await painter.calc_fig(figure.spec, opts={"format": ending, **size}))
    except Exception as error:
        raise EventStudyError(f"the browser could not draw a figure: {error}") from error
    return found


def named(svg: bytes, figure: Figure) -> bytes:
    """Return an SVG that says what it shows to who cannot see it."""
    words = f"{visible(caption_of(figure))} {visible(figure.alternative)}"
    told = f"<title>{escape(visible(figure.title))}</title><desc>{escape(words)}</desc>".encode()
    return re.sub(rb"<svg\b[^>]*>", lambda found: found[0] + told, svg, count=1)


def _without_clock(pdf: bytes) -> bytes:
    """Return a PDF with a fixed date; of the same length, so that its offsets hold."""
    dates = rb"(?<=Date \()D:\d{14}[+-]\d\d'\d\d'(?=\))"
    return re.sub(dates, WHEN, pdf)


def _with_resolution(png: bytes) -> bytes:
    """Return a PNG that says how large it is on paper."""
    dots = round(DPI / 0.0254)
    content = b"pHYs" + struct.pack(">IIB", dots, dots, 1)
    chunk = struct.pack(">I", 9) + content + struct.pack(">I", zlib.crc32(content))
    return png[:33] + chunk + png[33:]  # after the signature and the header
