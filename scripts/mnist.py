"""Find MNIST's four files, or download them, and print the folder that they are in."""

import argparse
import os
import signal
import sys
from pathlib import Path

from feedback_alignment.data.mnist import MIRRORS, locate
from feedback_alignment.data.preparation import DataError

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--directory", help="a folder that has the files (FEEDBACK_ALIGNMENT_MNIST)")
parser.add_argument("--cache", type=Path, help="where downloads go")
parser.add_argument("--mirror", action="append", help="address of a folder to download from")
args = parser.parse_args()

# As an exit a signal lets the download take its unfinished file away.
for stop in (signal.SIGINT, signal.SIGTERM):
    signal.signal(stop, lambda number, _: sys.exit(128 + number))
try:
    folder = locate(args.directory, os.environ, args.cache, mirrors=args.mirror or MIRRORS)
except DataError as error:
    sys.exit(f"error: {error}")
print(folder)
