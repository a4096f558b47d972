"""Every file below results/ is damaged in turn: what was made of it comes back, and only that."""

import pytest
from faults import TOLD, finished, manifest, outputs, recover, step_of

DAMAGES = {
    "cut off": lambda path, content: path.write_bytes(content[: len(content) // 2]),
    "emptied": lambda path, content: path.write_bytes(b""),
    "noise": lambda path, content: path.write_bytes(bytes(255 - byte for byte in content)),
    "removed": lambda path, content: path.unlink(),
}
pytestmark = [pytest.mark.long, pytest.mark.parametrize("damage", DAMAGES)]


def unaffected(project, pending):
    return {p: s for p, s in finished(project).items() if step_of(project, p) not in pending}


@pytest.mark.parametrize("half", [0, 1])
def test_named_outputs(half, damage, copy, undisturbed, record_property):
    named = [p for p in outputs(copy) if step_of(copy, p) not in ("data", "train")]
    for index, path in list(enumerate(named))[half::2]:
        content = path.read_bytes()
        DAMAGES[damage](path, content)
        pending = copy.pending()
        assert pending, path
        assert "train" not in pending, path
        # All are found; a quarter of them is made again for each kind of damage.
        if list(DAMAGES).index(damage) == index // 2 % 4:
            recover(copy, undisturbed, record_property, unaffected(copy, {*pending, "receipts"}))
        else:
            path.write_bytes(content)


@pytest.mark.parametrize("step", ["data", "train"])
def test_data_and_runs(step, damage, copy, undisturbed, record_property):
    files = [p for p in outputs(copy) if step_of(copy, p) in ("data", "train")]
    for path in files:
        if step_of(copy, path) == step:
            DAMAGES[damage](path, path.read_bytes())
        elif step == "data":
            path.unlink()  # else nobody reads the data
    assert copy.pending() == {}
    (copy.results / "metrics/widths.csv").unlink()
    kept = {p: s for p, s in finished(copy).items() if step == "train" and p.parts[-3] == "data"}
    if damage != "removed":
        done = copy.snakemake("--cores", "2")
        text = done.stdout + done.stderr
        assert done.returncode == 1
        assert "Traceback" not in text
        for path in (p for p in files if step_of(copy, p) == step):
            place = path.relative_to(copy.folder)
            assert f"error: {place}: the file is damaged; the next run makes it again" in text
    recover(copy, undisturbed, record_property, kept)


def test_what_tells_how_a_job_went(damage, copy, undisturbed):
    files = [p for folder in TOLD for p in (copy.results / folder).rglob("*") if p.is_file()]
    assert {p.suffix for p in files} == {".log", ".tsv"}
    for path in files:
        DAMAGES[damage](path, path.read_bytes())
    assert copy.pending() == {}
    assert manifest(copy) == manifest(undisturbed)
