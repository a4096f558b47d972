"""Results beside a snapshot: the same bytes in the same environment, else the same findings."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from feedback_alignment.claims.equivalence import mean_of, welch_interval
from feedback_alignment.claims.writing import read_verdicts
from feedback_alignment.receipts import read_receipt
from feedback_alignment.snapshots.manifest import NAME
from feedback_alignment.snapshots.pieces import asked
from feedback_alignment.snapshots.reading import read_cells, read_json
from feedback_alignment.snapshots.summaries import KEY, summarise
from feedback_alignment.specification import digest_of
from feedback_alignment.tables import read_tables

# Another environment rounds otherwise. In float32 (2^-24 a step) that is this much, relative, of a
# course of some 10^4 steps that forgets nothing ...
RELATIVE = 1e-3
# ... and a course that does not repeat at all is another draw: of means that are draws from one
# distribution, in all of a snapshot's rows together, one differs by more with this probability.
FAMILYWISE = 0.01

# Mean, standard deviation and number of values.
_Sample = tuple[float, float, int]
_NOTHING: _Sample = (math.nan, math.nan, 0)


def differences(results: Path, snapshot: Path) -> list[str]:
    """Where results are not those of a snapshot, a line each.

    A table or figure of the same specification, made in the same environment, must have the same
    bytes. Of any other, means must be equal within `RELATIVE`, or within what chance does. Every
    verdict must be the same.

    Both must be as their manifests say.

    Raises:
        InputError: one of their files cannot be read.
    """
    pieces = read_json(snapshot / NAME, "pieces")["pieces"]
    same = read_json(results / "environment.json") == read_json(snapshot / "environment.json")
    lines: list[str] = []
    loose: list[str] = []
    for name, piece in pieces.items():
        receipt = read_receipt(results / f"receipts/{name}.json")
        if "made" not in piece:
            continue
        if receipt is None:
            lines.append(f"{name}: not in {results}")
        elif asked(receipt["specification"]) != piece["asked"]:
            lines.append(f"{name}: has other settings in {results} than in the snapshot")
        elif same and digest_of(receipt["specification"]) == piece["specification"]:
            lines += [
                f"{results / path}: other bytes than in the snapshot, from the same environment"
                for path, digest in piece["made"].items()
                if receipt["made"].get(path, {}).get("sha256") != digest
            ]
        elif name.startswith("tables/"):
            loose.append(name.removeprefix("tables/"))
    rows = {name: _read(snapshot / f"summaries/{name}.csv") for name in loose}
    confidence = 1 - FAMILYWISE / max(1, sum(map(len, rows.values())))
    for name, theirs in rows.items():
        frame = summarise(read_tables([results / f"metrics/{name}.parquet"]))
        found = frame[[*KEY, "mean", "sd", "n"]].itertuples(index=False, name=None)
        ours = {tuple(map(str, row[:-3])): row[-3:] for row in found}
        for key, row in theirs.items():
            if not _agree(ours.get(key, _NOTHING), row, confidence):
                said = f"mean {ours.get(key, _NOTHING)[0]:.6g}, in the snapshot {row[0]:.6g}"
                lines.append(f"{' '.join(filter(None, key))}: {said}")
    return lines + list(_verdicts(results, snapshot, pieces))


def _agree(ours: _Sample, theirs: _Sample, confidence: float) -> bool:
    sizes = ours[2], theirs[2]
    if not min(sizes):
        return sizes == (0, 0)
    one, other = (mean_of(mean, sd, n) for mean, sd, n in (ours, theirs))
    if math.isclose(one.value, other.value, rel_tol=RELATIVE):
        return True
    # Of a single run, nothing says how far another draw would lie.
    if min(sizes) < 2:
        return False
    low, high = welch_interval(one, other, confidence)
    return low <= 0 <= high


def _verdicts(results: Path, snapshot: Path, pieces: Mapping[str, Any]) -> Iterator[str]:
    """Verdicts that differ, of the claims whose tables have all run in the snapshot."""
    experiments = read_json(snapshot / "settings.json", "experiments")["experiments"]
    part = {
        figure
        for name, experiment in experiments.items()
        if "made" not in pieces[f"tables/{name}"]
        for figure in experiment["figures"]
    }
    found, known = (
        {path: verdict for path, verdict, figure in _named(folder) if figure not in part}
        for folder in (results, snapshot)
    )
    for name in known | found:
        one, other = found.get(name, "missing"), known.get(name, "missing")
        if one != other:
            yield f"{name}: {one}, in the snapshot {other}"


def _named(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Name, verdict and figure of every claim, check and published value."""
    for claim in read_verdicts(folder / "claims.json"):
        yield claim.id, claim.verdict, claim.figure
        for check in claim.checks:
            name = f"{claim.id}: {check.name}"
            yield name, check.verdict, claim.figure
            for point in check.points:
                yield f"{name}: {point.point}", point.verdict, claim.figure


def _read(path: Path) -> dict[tuple[str, ...], _Sample]:
    """Mean, sd and n of the rows of a summary, by what they are of."""
    found = {}
    for row in read_cells(path):
        mean, sd = (float(row[name] or "nan") for name in ("mean", "sd"))
        found[tuple(row[name] for name in KEY)] = mean, sd, int(row["n"])
    return found
