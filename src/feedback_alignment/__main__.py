"""Commands beside the workflow: python -m feedback_alignment COMMAND."""

import argparse
import sys
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
from feedback_alignment.snapshots.comparing import differences
from feedback_alignment.snapshots.manifest import damages
from feedback_alignment.snapshots.writing import write_snapshot

# The checkout: the package is installed in editable mode, since a config needs the whole project.
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run a command; a mistake in what it reads ends it with one line."""
    parser = argparse.ArgumentParser(prog="python -m feedback_alignment")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check a config and print its results folder")
    check.add_argument("config", type=Path, nargs="+", help="config file; later ones win")
    old = commands.add_parser("prune", help="remove data and runs that no config asks for")
    old.add_argument("config", type=Path, nargs="*", help="a config that is not in config/")
    nulls = commands.add_parser("nulls", help="judge each check where what it looks for is absent")
    nulls.add_argument("config", type=Path, help="a config whose tables are there")
    nulls.add_argument("--into", type=Path, default=ROOT / "docs", help="folder of the tables")
    nulls.add_argument("--samples", type=int, default=SAMPLES, help="how many of each null")
    seeds = commands.add_parser("seeds", help="root seeds that the claims choose, and verdicts")
    seeds.add_argument("--table", type=Path, help="write the verdicts of results/seed-<seed> here")
    whole = commands.add_parser("verify", help="are results as they were made, and as published?")
    whole.add_argument("folder", type=Path, help="a results folder, or a snapshot")
    whole.add_argument("--snapshot", type=Path, help="also compare with this snapshot")
    publish = commands.add_parser("snapshot", help="write what a config found into docs/results/")
    publish.add_argument("config", type=Path, nargs="+", help="config file; later ones win")
    publish.add_argument("--results", type=Path, help="its results folder; default results/<name>")
    publish.add_argument("--into", type=Path, help="default docs/results/<name>")
    args = parser.parse_args()
    try:
        if args.command == "check":
            config = read_project(ROOT, args.config)
            for note in config.notes:
                print(f"note: {note}", file=sys.stderr)
            print(f"results/{config.name}")
        elif args.command == "nulls":
            _judge_nulls(args.config, args.into, args.samples)
        elif args.command == "seeds":
            _seeds(args.table)
        elif args.command == "verify":
            _verify(args.folder, args.snapshot)
        elif args.command == "snapshot":
            _write_snapshot(args.config, args.results, args.into)
        else:
            _ask_and_prune(args.config)
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename or 'a file'}: {error.strerror}")


def _judge_nulls(config: Path, into: Path, samples: int) -> None:
    written, rates = write_null_rates(ROOT, config, into, samples)
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


def _seeds(table: Path | None) -> None:
    claims = load_claims()
    chosen = root_seeds(claims)
    if table is None:
        print(*chosen, sep="\n")
        return
    found = [read_verdicts(Path(f"results/seed-{seed}/claims.json")) for seed in chosen]
    write_text(table, table_of_seeds(claims, found))
    for claim, verdicts in read_seeds(table, digest_of_claims(claims)).items():
        print(f"{'fragile' if fragile(verdicts) else '':8}{claim:30}{', '.join(verdicts)}")


def _verify(folder: Path, snapshot: Path | None) -> None:
    lines = [line for path in (folder, snapshot) if path for line in damages(path)]
    # What is damaged need not be compared.
    if snapshot and not lines:
        lines = differences(folder, snapshot)
    if lines:
        sys.exit("\n".join(f"error: {line}" for line in lines))
    print(f"{folder}: every file is as it was made")
    if snapshot:
        print(f"{folder}: found what {snapshot} says")


def _write_snapshot(configs: list[Path], results: Path | None, target: Path | None) -> None:
    plan = make_plan(read_project(ROOT, configs), ROOT)
    results = results or Path("results") / plan.config.name
    target = target or ROOT / "docs/results" / plan.config.name
    names = [path.resolve().relative_to(ROOT).as_posix() for path in configs]
    for name in write_snapshot(plan, ROOT, names, results, target):
        print(f"not run: {name}", file=sys.stderr)
    print(target)


def _ask_and_prune(configs: list[Path]) -> None:
    files, copies = unasked(ROOT, Path("results"), Path(".snakemake"), configs)
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
