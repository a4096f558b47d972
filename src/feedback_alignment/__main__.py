"""Commands beside the workflow: python -m feedback_alignment COMMAND."""

import argparse
import sys
from argparse import Namespace
from pathlib import Path

from feedback_alignment.claims import load_claims, read_verdicts
from feedback_alignment.claims.root_seeds import (
    digest_of_claims,
    fragile,
    read_seeds,
    root_seeds,
    table_of_seeds,
)
from feedback_alignment.errors import InputError
from feedback_alignment.files import write_text
from feedback_alignment.jobs import make_plan
from feedback_alignment.nulls_report import SAMPLES, write_null_rates
from feedback_alignment.project import read_project
from feedback_alignment.prune import prune, unasked
from feedback_alignment.snapshots.manifest import damages

# The checkout: the package is installed in editable mode, since a config needs the whole project.
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run a command; a mistake in what it reads ends it with one line."""
    parser = argparse.ArgumentParser(prog="python -m feedback_alignment")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check a config and print its results folder")
    check.set_defaults(run=_check)
    check.add_argument("config", type=Path, nargs="+", help="config file; later ones win")
    old = commands.add_parser("prune", help="remove data and runs that no config asks for")
    old.set_defaults(run=_ask_and_prune)
    old.add_argument("config", type=Path, nargs="*", help="a config that is not in config/")
    nulls = commands.add_parser("nulls", help="judge each check where what it looks for is absent")
    nulls.set_defaults(run=_judge_nulls)
    nulls.add_argument("config", type=Path, help="a config whose tables are there")
    nulls.add_argument("--into", type=Path, default=ROOT / "docs/nulls", help="folder of the table")
    nulls.add_argument("--samples", type=int, default=SAMPLES, help="how many of each null")
    seeds = commands.add_parser("seeds", help="root seeds that the claims choose, and verdicts")
    seeds.set_defaults(run=_seeds)
    seeds.add_argument("--table", type=Path, help="write the verdicts of results/seed-<seed> here")
    whole = commands.add_parser("verify", help="are results as they were made, and as published?")
    whole.set_defaults(run=_verify)
    whole.add_argument("folder", type=Path, help="a results folder, or a snapshot")
    whole.add_argument("--snapshot", type=Path, help="also compare with this snapshot")
    publish = commands.add_parser("snapshot", help="write what a config found into docs/results/")
    publish.set_defaults(run=_write_snapshot)
    publish.add_argument("config", type=Path, nargs="+", help="config file; later ones win")
    publish.add_argument("--results", type=Path, help="its results folder; default results/<name>")
    publish.add_argument("--into", type=Path, help="default docs/results/<name>")
    args = parser.parse_args()
    try:
        args.run(args)
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename or 'a file'}: {error.strerror}")


def _check(args: Namespace) -> None:
    config = read_project(ROOT, args.config)
    for note in config.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"results/{config.name}")


def _judge_nulls(args: Namespace) -> None:
    written, rates = write_null_rates(ROOT, args.config, args.into, args.samples)
    for rate in rates:
        if rate.reason:
            print(f"not run: {rate.claim}: {rate.check}: {rate.reason}")
        elif rate.fails:
            print(f"passes too often ({rate.share:.3f}): {rate.claim}: {rate.check}: {rate.null}")
    judged = [rate for rate in rates if rate.share is not None]
    failing = sum(rate.fails for rate in judged)
    print(f"{written}: {failing} of {len(judged)} checks pass too often on their null")
    if failing:
        sys.exit(1)


def _seeds(args: Namespace) -> None:
    claims = load_claims()
    chosen = root_seeds(claims)
    if args.table is None:
        print(*chosen, sep="\n")
        return
    found = [read_verdicts(Path(f"results/seed-{seed}/claims.json")) for seed in chosen]
    write_text(args.table, table_of_seeds(claims, found))
    for claim, verdicts in read_seeds(args.table, digest_of_claims(claims)).items():
        print(f"{'fragile' if fragile(verdicts) else '':8}{claim:30}{', '.join(verdicts)}")


def _verify(args: Namespace) -> None:
    from feedback_alignment.snapshots.comparing import differences

    lines = [line for path in (args.folder, args.snapshot) if path for line in damages(path)]
    # What is damaged need not be compared.
    if args.snapshot and not lines:
        lines = differences(args.folder, args.snapshot)
    if lines:
        sys.exit("\n".join(f"error: {line}" for line in lines))
    print(f"{args.folder}: every file is as it was made")
    if args.snapshot:
        print(f"{args.folder}: found what {args.snapshot} says")


def _write_snapshot(args: Namespace) -> None:
    from feedback_alignment.snapshots.writing import write_snapshot

    plan = make_plan(read_project(ROOT, args.config), ROOT)
    results = args.results or Path("results") / plan.config.name
    target = args.into or ROOT / "docs/results" / plan.config.name
    names = [path.resolve().relative_to(ROOT).as_posix() for path in args.config]
    for name in write_snapshot(plan, ROOT, names, results, target):
        print(f"not run: {name}", file=sys.stderr)
    print(target)


def _ask_and_prune(args: Namespace) -> None:
    files, copies = unasked(ROOT, Path("results"), Path(".snakemake"), args.config)
    if not files + copies:
        print("nothing to remove: a config asks for all data and runs")
        return
    print(*files, sep="\n")
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(files)} files, {size:.1f} MB, {len(copies)} old specifications and copies of code")
    print("remove them? [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        prune(files + copies)
        print("removed")
    else:
        print("kept")


if __name__ == "__main__":
    main()
