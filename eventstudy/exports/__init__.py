"""Exports: what the report says, in the formats that papers, spreadsheets and programs take."""

from __future__ import annotations

from eventstudy.exports.verbs import (
    FORMATS,
    check_formats,
    document_of,
    export,
    export_figure,
    export_files,
    export_names,
)

__all__ = [
    "FORMATS",
    "check_formats",
    "document_of",
    "export",
    "export_figure",
    "export_files",
    "export_names",
]
