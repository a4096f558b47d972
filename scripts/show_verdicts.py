"""Print the verdicts as a table."""

import argparse
import sys
from pathlib import Path

from feedback_alignment.claims import console_text, read_verdicts
from feedback_alignment.errors import InputError


def main() -> int:
    """Print the table of a claims.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims-json", type=Path, required=True, help="claims.json to show")
    args = parser.parse_args()
    try:
        print(console_text(read_verdicts(args.claims_json)), end="")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
