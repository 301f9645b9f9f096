"""Drafts of events: rows that a service or another file suggests, to be confirmed by a person."""

from eventstudy.drafts.adding import Added, add_drafts
from eventstudy.drafts.file import file_drafts
from eventstudy.drafts.result import Drafts
from eventstudy.drafts.yahoo import yahoo_drafts

__all__ = ["Added", "Drafts", "add_drafts", "file_drafts", "yahoo_drafts"]
