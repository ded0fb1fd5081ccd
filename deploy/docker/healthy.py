"""Print what the role of this container says of its health; end with 0 if it is ready. Docker calls it again and again.

It runs in the image, by itself: nothing of the project is imported, for it has to start quickly.
"""

import os
import sys
from http.client import OK, HTTPConnection, HTTPException


def main() -> int:
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("HEALTH_PORT", "9090")), timeout=8)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode())
    except (OSError, HTTPException) as error:
        sys.stdout.write(f"no answer ({type(error).__name__})\n")
        return 1
    return 0 if answer.status == OK else 1


if __name__ == "__main__":
    sys.exit(main())
