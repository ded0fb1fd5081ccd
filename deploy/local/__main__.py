"""`python -m deploy.local [--run FOLDER] up|down|ps|restart|scale|cli|logs`."""

import argparse
import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.docker.files import UnwritableError
from deploy.docker.secret_files import SecretsError
from deploy.docker.stack import DockerStack
from deploy.local.carriers import carrier_settings
from deploy.local.commands import CommandError
from deploy.local.demo import DemoError
from deploy.local.kind import DOCKER, KINDS, NATIVE, WrongKindError, choose, kind_of
from deploy.local.packages import MissingProgramError
from deploy.local.roles import ROLES
from deploy.local.search import BACKENDS
from deploy.local.supervisor import SupervisorError
from deploy.local.up import Stack
from services.delivery.carrier_file import CarrierFileError
from shared.settings import SettingsError

# Ten of each worker hold at most 570 connections, of 600 that Postgres has.
MOST_OF_A_ROLE = 10
REFUSALS = (
    MissingProgramError,
    CommandError,
    SettingsError,
    SupervisorError,
    WrongKindError,
    SecretsError,
    UnwritableError,
    DemoError,
    FileNotFoundError,
    TimeoutError,
)


def main() -> None:
    arguments = _parser().parse_args()
    try:
        if arguments.verb == "logs":
            _stack(arguments).logs()
        elif arguments.verb == "ps":
            _stack(arguments).ps()
        elif arguments.verb == "cli":
            _stack(arguments).cli(arguments.arguments)
        else:
            with _alone(arguments.run):
                _change(_stack(arguments), arguments)
    except CarrierFileError as error:
        sys.exit(f"this file of carriers is wrong:\n{error}")
    except REFUSALS as error:
        sys.exit(str(error))


def _stack(arguments: argparse.Namespace) -> Stack | DockerStack:
    kind = choose(arguments.run, arguments.stack) if arguments.verb == "up" else kind_of(arguments.run)
    return DockerStack(arguments.run) if kind == DOCKER else Stack(arguments.run)


def _change(stack: Stack | DockerStack, arguments: argparse.Namespace) -> None:
    if arguments.verb == "up":
        carriers = carrier_settings(arguments.carriers, stack.state)
        stack.up(arguments.accounts, arguments.limits, arguments.search, carriers)
    elif arguments.verb == "scale":
        stack.scale(arguments.role, arguments.count)
    elif arguments.verb == "restart":
        stack.restart([arguments.role] if arguments.role else ROLES)
    else:
        stack.down()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for whoever changes this stack at the moment: two at once would overwrite what it remembers."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another command on this stack", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local")
    parser.add_argument("--run", type=Path, default=Path(".run"), help="folder of data, logs and state")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start everything that does not run")
    up.add_argument("--stack", choices=KINDS, default=NATIVE, help="what it runs in; auto: docker if an engine answers")
    up.add_argument("--accounts", type=int, default=2, help="how many demo accounts there should be")
    up.add_argument("--limits", choices=("on", "off"), default="on", help="whether rate limits apply")
    up.add_argument("--search", choices=BACKENDS, default=BACKENDS[0], help="what searches; Postgres needs no Java")
    up.add_argument("--carriers", type=Path, help="file of carriers; else that of the last up, or SMS are printed")
    verbs.add_parser("down", help="stop everything, keep the data")
    verbs.add_parser("ps", help="list what runs")
    restart = verbs.add_parser("restart", help="restart roles, with the code as it is now")
    restart.add_argument("role", nargs="?", choices=ROLES, help="all when none is named")
    scale = verbs.add_parser("scale", help="have so many processes of a role")
    scale.add_argument("role", choices=ROLES)
    scale.add_argument("count", type=int, choices=range(1, MOST_OF_A_ROLE + 1))
    cli = verbs.add_parser("cli", help="run a command of usermessage")
    cli.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="what usermessage takes")
    verbs.add_parser("logs", help="follow the logs")
    return parser


if __name__ == "__main__":
    main()
