"""The table of mutants, and the section of the page that shows it."""

from __future__ import annotations

from pathlib import Path

from sections import markdown_table, write_section

from mutants.keeping import Place, Tried, reason_of, wilson

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mutation.md"
HEADER = ["module", "mutants", "tried", "killed", "timed out", "survived", "of these equivalent",
          "killed, %", "95%"]  # fmt: skip
Rows = dict[str, tuple[int, list[Tried]]]


def line_of(name: str, count: int, found: list[Tried], known: dict[Place, str]) -> list[str]:
    """Return a line of the table; what timed out counts as killed."""
    tried = [one for one in found if one.what != "unbuilt"]
    fell = sum(one.fell for one in tried)
    alive = [one for one in tried if not one.fell]
    low, high = wilson(fell, len(tried))
    slow = sum(one.what == "timed out" for one in tried)
    same = sum(bool(reason_of(one, known)) for one in alive)
    share = f"{100 * fell / len(tried):.1f}" if tried else ""
    return [name, f"{count:,}", str(len(tried)), str(fell - slow), str(slow), str(len(alive)),
            str(same), share, f"{100 * low:.1f} to {100 * high:.1f}"]  # fmt: skip


def table_of(rows: Rows, known: dict[Place, str]) -> str:
    """Return the table of all modules and of them together."""
    lines = [line_of(name, count, found, known) for name, (count, found) in rows.items()]
    if len(rows) > 1:
        together = [one for _, found in rows.values() for one in found]
        lines.append(line_of("all", sum(count for count, _ in rows.values()), together, known))
    return markdown_table(HEADER, lines)


def survivors_of(rows: Rows, known: dict[Place, str]) -> str:
    """Return the survivors, each with its change and why it changes nothing."""
    lines = []
    for tried in (one for _, found in rows.values() for one in found):
        if tried.what in ("survived", "no test"):
            lines.append(f"{tried.path}:{tried.line} {tried.function} ({tried.asked} tests)")
            lines.append(f"    {tried.change}")
            lines.append(f"    = {reason_of(tried, known) or 'not explained'}")
    return "\n".join(lines)


def write_table(section: str, rows: Rows, known: dict[Place, str], sample: int, seed: int) -> None:
    """Write the table into a section of the page."""
    names = "".join(f" --module {name}" for name in rows)
    said = f"`python benchmarks/mutation.py{names} --sample {sample} --seed {seed}`"
    write_section(section, f"{table_of(rows, known)}\n\n{said}", PAGE)
