"""Where the code cells of the pages run: a folder of its own a page, with events.csv in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

STARTUP = """\
import atexit, os, shutil, subprocess, tempfile

_place = tempfile.mkdtemp(prefix="docs-")
atexit.register(shutil.rmtree, _place, ignore_errors=True)
shutil.copy({events!r}, _place)
os.chdir(_place)


def _strict(shell):
    # A command that fails fails the build, and where it ran is nobody's business.
    done = subprocess.run(shell, shell=True, text=True, stdout=-1, stderr=-2)
    print(done.stdout.replace(os.path.realpath(_place) + "/", ""), end="")
    if done.returncode:
        raise SystemError(f"{{shell}}: exit code {{done.returncode}}")


get_ipython().system = _strict
"""


def prepare(root: Path, profile: Path) -> None:
    """Set the environment of the kernels; nothing of the user's own IPython is read.

    Parameters
    ----------
    root : Path
        Of the repository.
    profile : Path
        IPython's folder for the build.
    """
    startup = profile / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "00-place.py").write_text(
        STARTUP.format(events=str(root / "events.csv")), encoding="utf-8"
    )
    (startup.parent / "ipython_kernel_config.py").write_text(
        'c = get_config()\nc.IPKernelApp.log_level = "ERROR"\n', encoding="utf-8"
    )
    os.environ |= {
        "IPYTHONDIR": str(profile),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": "110",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
