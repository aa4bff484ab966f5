"""The program ``twin``, as installed and as ``python -m twin``: a stop while it is still importing is no traceback either."""

import sys


def main() -> None:
    """Entry point: `twin.cli.main`; exit code 130 where Ctrl-C ends it."""
    try:
        from twin.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
