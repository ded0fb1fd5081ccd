"""`python -m deploy.local [--run FOLDER] up|down|logs`."""

import argparse
import sys
from pathlib import Path

from deploy.local.commands import CommandError
from deploy.local.packages import MissingProgramError
from deploy.local.up import Stack


def main() -> None:
    arguments = _parser().parse_args()
    stack = Stack(arguments.run)
    try:
        if arguments.verb == "up":
            stack.up(arguments.accounts, arguments.limits)
        elif arguments.verb == "down":
            stack.down()
        else:
            stack.logs()
    except (MissingProgramError, CommandError, TimeoutError) as error:
        sys.exit(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local")
    parser.add_argument("--run", type=Path, default=Path(".run"), help="folder of data, logs and state")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start everything")
    up.add_argument("--accounts", type=int, default=2, help="how many demo accounts there should be")
    up.add_argument("--limits", choices=("on", "off"), default="on", help="whether rate limits apply")
    verbs.add_parser("down", help="stop everything, keep the data")
    verbs.add_parser("logs", help="follow the logs")
    return parser


if __name__ == "__main__":
    main()
