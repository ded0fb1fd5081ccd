"""Callers that generated cases need: an account, and others that must not get in."""

import json

from deploy.local.commands import command_line, create_key, usermessage
from tests.contract.valid_requests import Callers
from tests.running import Account, Stack


def make_callers(stack: Stack, own: Account, disabled: Account) -> Callers:
    """Create the applications and tokens; disables the second account."""
    env = stack.settings_env
    run = command_line(env)
    other, off = create_key(run, "other"), create_key(run, "disabled")
    tokens = [_token(stack, own, int(key["id"])) for key in (other, off)]
    usermessage(env, "keys", "disable", str(off["id"]))
    usermessage(env, "accounts", "disable", f"id:{disabled.account_id}")
    return Callers(
        api_key=stack.api_key,
        auth_token=own.auth_token,
        other_api_key=str(other["api_key"]),
        token_of_other_application=tokens[0],
        disabled_api_key=str(off["api_key"]),
        token_of_disabled_application=tokens[1],
        token_of_disabled_account=disabled.auth_token,
        msisdn_of_disabled_account=int(disabled.msisdn),
        password=disabled.password,
    )


def _token(stack: Stack, account: Account, key_id: int) -> str:
    arguments = ("tokens", "create", "--account", f"id:{account.account_id}", "--key", str(key_id), "--json")
    return str(json.loads(usermessage(stack.settings_env, *arguments))["auth_token"])
