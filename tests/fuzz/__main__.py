"""`PYTHONPATH=tests python -m fuzz [--share 0.1] [--seed 0] [--only images]`: exit code 1 if anything is wrong."""

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from pathlib import Path

from fuzz.images import fuzz_images
from fuzz.records import fuzz_records, fuzz_tables

COUNTS = {"images": 8000, "tables": 1000, "records": 400}
"""Of mutated files."""
FUZZERS = {"images": fuzz_images, "tables": fuzz_tables, "records": fuzz_records}


def main() -> None:
    """Run all fuzzers on a share of their files; files that are complained about are kept."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the files (default: all, in 4 to 10 minutes)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=FUZZERS, action="append")
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="fuzz-"))
    complaints: list[str] = []
    for name in given.only or FUZZERS:
        began, count = time.monotonic(), max(1, round(COUNTS[name] * given.share))
        found = [one for one in FUZZERS[name](count, given.seed, place) if one]
        print(f"{count:,} {name} in {time.monotonic() - began:.0f} s: {len(found)} complaints", flush=True)
        complaints += found
    for one in itertools.islice(complaints, 20):
        print(one)
    if complaints:
        sys.exit(1)
    shutil.rmtree(place)


main()
