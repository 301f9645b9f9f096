"""What a study.toml brings that its reader may not expect, said before it happens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eventstudy.cli import terminal

if TYPE_CHECKING:
    from eventstudy.run.config import RunConfig


def tell(config: str | None, given: Mapping[str, Any], asked: RunConfig) -> None:
    """Say on stderr, in one line each, which code a file runs and whom it asks for prices.

    A folder of strategies is code that runs with the rights of whoever runs the command. It
    may be named by a flag, which its giver has seen, or by the file, which may be another's.

    Parameters
    ----------
    config : str or None
        The file.
    given : mapping
        Parameters of the command: None was not given, an absent one is not read.
    asked : RunConfig
        The two together.
    """
    if config is None:
        return
    if asked.strategies is not None and given.get("strategies", "") is None:
        terminal.complain(f"{config} runs the strategies in {asked.strategies}: they are programs")
    if "://" in (asked.prices or "") and given.get("prices", "") is None:
        address = re.sub("//[^/@]*@", "//...@", asked.prices or "")  # a password may stand there
        terminal.complain(f"{config} takes prices from {address}")
