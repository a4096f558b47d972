"""Judge the claims from the tables behind their figures."""

import argparse
import sys
from pathlib import Path

from feedback_alignment.claims import judge, load_claims, write_verdicts
from feedback_alignment.claims.root_seeds import digest_of_claims
from feedback_alignment.errors import InputError
from feedback_alignment.files import DamagedFileError, report_in_one_line
from feedback_alignment.published import read_all
from feedback_alignment.receipts import making
from feedback_alignment.specification import read_specification
from feedback_alignment.tables import StoredTables


def main() -> int:
    """Judge, and write claims.csv, claims.json and claims.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=Path, required=True, help="specification of the job")
    parser.add_argument("--results", type=Path, required=True, help="results folder of the config")
    parser.add_argument("--published", type=Path, nargs="*", default=[], help="published values")
    parser.add_argument("--receipt", type=Path, required=True, help="the receipt of the verdicts")
    parser.add_argument("--upstream", type=Path, nargs="*", default=[], help="the tables' receipts")
    args = parser.parse_args()
    report_in_one_line()
    made = [args.results / f"claims.{end}" for end in ("csv", "json", "md")]
    try:
        spec = read_specification(args.spec)
        with making(args.receipt, spec, made, args.upstream):
            claims = load_claims()
            wanted = {claim.figure for claim in claims}
            tables = StoredTables(
                {
                    figure: [args.results / f"metrics/{name}.parquet" for name in names]
                    for figure, names in spec["figures"].items()
                    if figure in wanted and names
                }
            )
            verdicts = judge(claims, tables, read_all(args.published))
            write_verdicts(verdicts, args.results, digest_of_claims(claims))
    except (InputError, DamagedFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
