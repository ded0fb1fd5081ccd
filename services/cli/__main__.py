"""The `usermessage` command line, put together from the parts of the roles.

Exit codes: 0 done, 1 not found or failed, 2 wrong usage or settings.
"""

import logging
import sys
from collections.abc import Sequence

from services.accounts import commands as accounts
from services.cli import dead_letters
from services.cli.erase import erase
from services.cli.export import export
from services.cli.migrate import migrate
from services.cli.queues import queues
from services.cli.restored import restored
from services.conversations import commands as conversations
from services.delivery import commands as delivery
from services.gateway import commands as gateway
from services.messages import commands as messages
from services.search import commands as search
from shared.bus.link import LinkLost
from shared.command_line import CommandFailed, group
from shared.postgres.errors import DatabaseError, StatementRefused
from shared.postgres.migration_files import MigrationError
from shared.settings import SettingsError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name, those of the process by default; ends in `SystemExit`."""
    # A broker that is away is told in our own words.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    command_line = group("Set up and administer usermessage.")
    command_line.command("migrate")(migrate)
    command_line.command("queues")(queues)
    command_line.command("restored")(restored)
    dead_letters.add_commands(command_line)
    of_accounts = accounts.add_commands(command_line)
    of_accounts.command("export")(export)
    of_accounts.command("erase")(erase)
    messages.add_commands(command_line, accounts.account_id)
    conversations.add_commands(command_line, accounts.account_id)
    delivery.add_commands(command_line, accounts.account_id)
    search.add_commands(command_line)
    gateway.add_commands(command_line)
    try:
        command_line(arguments, prog_name="usermessage")
    except (CommandFailed, MigrationError) as error:
        _leave(1, str(error))
    except UnicodeError:
        _leave(1, "this is no text in UTF-8")
    except StatementRefused as error:
        # Its text may show rows.
        _leave(1, f"the database refused it (sqlstate {error.sqlstate}); is it migrated, and are these its settings?")
    except DatabaseError as error:
        _leave(1, f"the database did not do it: {error.reason}")
    except LinkLost as lost:
        _leave(1, f"RabbitMQ did not do it: {lost}")
    except SettingsError as error:
        _leave(2, f"these settings are wrong:\n{error}")


def _leave(code: int, text: str) -> None:
    sys.stderr.write(f"usermessage: {text}\n")
    raise SystemExit(code)


if __name__ == "__main__":
    main()
