"""The command `./fleet`."""

import os
import sys
from collections.abc import Sequence

from tools.fleet.command_line import parse
from tools.fleet.errors import FleetError
from tools.fleet.interruption import StopAsked


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    try:
        return int(options.run(options))
    except BrokenPipeError:  # `./fleet logs | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (FleetError, OSError) as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, StopAsked):
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
