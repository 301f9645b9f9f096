"""``python -m eventstudy``: the command line."""

import os
import sys
from pathlib import Path

import eventstudy


def _leave_folder_aside() -> None:
    """Take the folder one stands in off the path of imports, unless this program is in it.

    ``-m`` puts it first: a pandas.py in a folder of somebody's prices would be run.
    """
    own = Path(eventstudy.__file__).resolve().parents[1]
    here = Path.cwd()
    if not sys.flags.safe_path and own != here and sys.path[:1] in ([""], [os.getcwd()]):
        del sys.path[0]


if __name__ == "__main__":
    _leave_folder_aside()
    from eventstudy.cli.app import script

    script()
