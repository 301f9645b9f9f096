"""One of our own studies, by its name in ours.py."""

import sys

from ours import SAME_TESTS, STUDIES, Asked, given_of
from served import serve
from study_work import Work


def main():
    entry = STUDIES[sys.argv[2]]
    asked = Asked(tests=tuple(SAME_TESTS) if sys.argv[3:] == ["tests"] else ())
    serve(
        lambda arrays: Work(**arrays),
        given_of,
        lambda given: entry.run(given, asked),
        lambda found: entry.read(found, asked),
    )


if __name__ == "__main__":
    main()
