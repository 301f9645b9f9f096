"""What is put on disk: files and folders of a run, written whole or not at all."""

from __future__ import annotations

from eventstudy.disk.files import cache_folder, content_of, write_whole
from eventstudy.disk.folders import (
    FolderWriter,
    MadeFolder,
    Writer,
    check_place,
    keep_folder,
    recover,
    workshop,
    write_folder,
)
from eventstudy.disk.planting import Planted, locked_folder, plant
from eventstudy.disk.seal import SEAL, damage_of, read_seal
from eventstudy.disk.unfinished import clear_unfinished

__all__ = [
    "SEAL",
    "FolderWriter",
    "MadeFolder",
    "Planted",
    "Writer",
    "cache_folder",
    "check_place",
    "clear_unfinished",
    "content_of",
    "damage_of",
    "keep_folder",
    "locked_folder",
    "plant",
    "read_seal",
    "recover",
    "workshop",
    "write_folder",
    "write_whole",
]
