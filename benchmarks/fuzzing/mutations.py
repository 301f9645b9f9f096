"""Changes to a file that leave most of it readable: cells, rows, quotes, line ends, encodings."""

from __future__ import annotations

import random
from collections.abc import Callable

from fuzzing.samples import ENCODINGS, mixed_ends

WORDS = (
    "", " ", "nan", "NaN", "inf", "-inf", "-1", "0", "1e308", "1e-320", "1e999", "1_000", "0x10",
    "true", "null", "NA", "2024-02-30", "2024-13-01", "0000-01-01", "0001-01-01", "9999-12-31",
    "12/13/2024", "13.12.2024", "20240304", "2024-03-04", "2024-03-04T16:00:00Z",
    "２０２４-０３-０４",
    "24:00", "9:30", "02:30", "Europe/London", "../../etc/passwd", "CON", "BRK.B", "^GSPC",
    "3661.TW", "博通", "\u202eOGVA", "A\u200bVGO", "=1+1", "=cmd|' /C calc'!A1", "@ASIC", "@",
    "AVGO;;MRVL", "AVGO+", "x" * 300, "9" * 5000, '"', '""', "\x00", "\ufeff", "\x1b[2J", "a\nb",
    "date", "ticker", "close", "event_id", "tickers", "²", "é", "é", "ß", "İ", "\u2028", "\x85",
)  # fmt: skip


def mutated(data: bytes, seed: int) -> bytes:
    """Return bytes after one to four changes, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(CHANGES)(data, chance)
    return data


def _cell(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    mark = chance.choice((b",", b",", b"=", b'"', b" "))
    cells = lines[at].split(mark)
    where = chance.randrange(len(cells))
    word = chance.choice(WORDS).encode()
    kind = chance.randrange(5)
    if kind == 0:
        cells.insert(where, word)
    elif kind == 1:
        del cells[where]
    elif kind == 2:
        cells[where] = b'"' + word + b'"'
    else:
        cells[where] = word
    lines[at] = mark.join(cells)
    return b"\n".join(lines)


def _line(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    kind = chance.randrange(4)
    if kind == 0:
        lines.insert(one, lines[other])
    elif kind == 1:
        lines[one], lines[other] = lines[other], lines[one]
    elif kind == 2:
        del lines[one]
    else:
        lines.insert(one, chance.choice((b"", b",,,", b" ", lines[other] + b",", lines[other][:9])))
    return b"\n".join(lines)


def _ends(data: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(4)
    if kind == 3:
        return mixed_ends(data.decode("latin-1")).encode("latin-1")
    return data.replace(b"\n", (b"\r", b"\r\n", b"\n\n")[kind])


def _encoding(data: bytes, chance: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode(chance.choice(ENCODINGS), "replace")


def _bytes(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    kind = chance.randrange(5)
    if kind == 0:
        return data[:at] + bytes([chance.randrange(256)]) + data[at:]
    if kind == 1:
        return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    if kind == 2:
        return data[:at] + data[at + chance.randint(1, 16) :]
    if kind == 3:
        return data[:at]
    return data[:at] + chance.choice(WORDS).encode() + data[at:]


def _joined(data: bytes, chance: random.Random) -> bytes:
    return data[: 1 << 16] + data[: chance.randrange(len(data) + 1)]


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cell, _cell, _cell, _cell, _line, _line, _bytes, _bytes, _ends, _encoding, _joined,
)  # fmt: skip
