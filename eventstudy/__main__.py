"""``python -m eventstudy``: the command line."""

from eventstudy.cli.app import script

if __name__ == "__main__":
    script()
