"""The command line; it mirrors the verbs of the library."""

from __future__ import annotations

from eventstudy.cli.app import main

__all__ = ["main"]
