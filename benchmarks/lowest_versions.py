"""Print the lowest versions that pyproject.toml allows, as pins for pip.

``make lowest`` installs them and runs the tests: a lower bound that is not tested is a guess.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def pins() -> list[str]:
    """Return ``name==version`` for every dependency of the project and its tests."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    return [re.sub(r"[>=]=", "==", requirement, count=1) for requirement in wanted]


if __name__ == "__main__":
    print("\n".join(pins()))
