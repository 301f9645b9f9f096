"""A plain numpy loop over events."""

import sys

from served import serve
from study_work import plain_loop


def prepare(work, count):
    return work["returns"], work["market"], work["columns"][:count], work["rows"][:count]


def run(given):
    return plain_loop(*given)


def read(found):
    return dict(zip(("ar", "car", "se"), found, strict=True))


if __name__ == "__main__":
    sys.exit(serve(lambda work: work, prepare, run, read))
