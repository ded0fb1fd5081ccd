"""Make a demo application with two accounts and print how to call it; the service `demo` of compose.yaml runs it.

It runs in the image of the command line, by itself. What was made once is not made again.
"""

import json
import secrets
import subprocess
import sys

_NAME = "compose demo"
_NUMBERS = ("436990000801", "436990000802")
_USERMESSAGE = (sys.executable, "-m", "services.cli")


def main() -> None:
    if _is_made():
        sys.stdout.write("the demo was made before; its keys stand in the first output of this service\n")
        return
    key = json.loads(_usermessage("keys", "create", _NAME, "--json"))
    people = [{"msisdn": number, "password": secrets.token_urlsafe(9)} for number in _NUMBERS]
    text = "".join(f"{json.dumps(person)}\n" for person in people)
    made = _lines(_usermessage("accounts", "import", "--json", "--with-token", str(key["id"]), text=text))
    accounts = [{**row, "password": person["password"]} for row, person in zip(made, people, strict=True)]
    sys.stdout.write(json.dumps({"api_key": key["api_key"], "accounts": accounts}, indent=2) + "\n")


def _is_made() -> bool:
    """Whether the accounts are there, which come last; a key without them is one of a run that broke off."""
    argv = (*_USERMESSAGE, "accounts", "show", _NUMBERS[0], "--json")
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _usermessage(*arguments: str, text: str = "") -> str:
    return subprocess.run((*_USERMESSAGE, *arguments), input=text, stdout=subprocess.PIPE, text=True, check=True).stdout


def _lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


if __name__ == "__main__":
    main()
