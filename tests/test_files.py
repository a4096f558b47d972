"""Files are written whole or not at all, and nothing stays of a killed write."""

import subprocess
import sys

import pytest

from feedback_alignment.files import DamagedFileError, replacing, write_once, write_text
from feedback_alignment.known_digests import KnownDigests
from feedback_alignment.receipts import damage, making, read_receipt
from feedback_alignment.specification import digest_of, read_specification, write_specification


def test_what_a_killed_write_left_goes_with_the_next_write(tmp_path):
    for name in (".run.4711.npz", ".run.12.npz"):
        (tmp_path / name).write_bytes(b"half")
    others = {".other.4711.npz", ".run.4711.csv", ".run.hidden.npz"}
    for name in others:
        (tmp_path / name).write_bytes(b"mine")
    with replacing(tmp_path / "run.npz") as temporary:
        temporary.write_bytes(b"whole")
    assert {path.name for path in tmp_path.iterdir()} == others | {"run.npz"}


def test_what_is_named_by_its_content_is_written_once(tmp_path):
    write_once(tmp_path / "deep/x", b"first")
    write_once(tmp_path / "deep/x", b"second")
    assert (tmp_path / "deep/x").read_bytes() == b"first"
    assert len(list((tmp_path / "deep").iterdir())) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"step": "other"}'])
def test_a_damaged_specification_is_named_and_goes(text, tmp_path):
    specification = {"step": "train", "seed": 1}
    path = tmp_path / f"{digest_of(specification)}.json"
    write_specification(tmp_path, specification)
    assert read_specification(path) == specification
    path.write_text(text)
    with pytest.raises(DamagedFileError, match=path.name):
        read_specification(path)
    assert not path.exists()


@pytest.fixture
def made(tmp_path):
    """A table with its receipt, and a figure that was made from it."""
    table, figure = tmp_path / "metrics/t.csv", tmp_path / "figures/f.svg"
    receipts = {name: tmp_path / f"receipts/{name}.json" for name in ("tables/t", "figure/f")}
    with making(receipts["tables/t"], {"step": "tables"}, [table], []):
        write_text(table, "1")
    with making(receipts["figure/f"], {"step": "figure"}, [figure], [receipts["tables/t"]]):
        write_text(figure, "<svg/>")
    return table, figure, receipts["tables/t"], receipts["figure/f"]


def of_figure(made, specification=None):
    wanted = digest_of(specification or {"step": "figure"})
    return damage(made[3], wanted, [made[1]], [made[2]])


def test_a_receipt_vouches_for_what_was_made(made):
    assert of_figure(made) is None
    assert of_figure(made, {"step": "figure", "more": 1}) == ""


def test_a_receipt_does_not_vouch_for_another_file(made):
    made[1].write_text("<gvs/>")
    assert of_figure(made) == f"{made[1]}: damaged; it is to be made again"
    made[1].unlink()
    assert of_figure(made) == ""


def test_what_was_made_from_something_else_is_stale(made):
    with making(made[2], {"step": "tables"}, [made[0]], []):
        write_text(made[0], "1")
    assert of_figure(made) is None
    with making(made[2], {"step": "tables"}, [made[0]], []):
        write_text(made[0], "2")
    assert of_figure(made) == ""


def test_a_job_reads_no_damaged_file_and_leaves_no_receipt(made):
    made[0].write_text("3")
    with (
        pytest.raises(DamagedFileError, match=r"t\.csv: damaged; the next run makes it again"),
        making(made[3], {"step": "figure"}, [made[1]], [made[2]]),
    ):
        raise AssertionError("it must not start")
    assert read_receipt(made[3]) is None


def test_known_digests_follow_the_files_and_survive_a_damaged_store(tmp_path):
    path, store = tmp_path / "x", tmp_path / "kept/digests.json"
    path.write_text("1")
    first = KnownDigests(store)
    one = first(path)
    first.save()
    assert KnownDigests(store)(path) == one
    path.write_text("2")
    assert KnownDigests(store)(path) != one
    store.write_text("[1")
    assert len(KnownDigests(store)(path)) == 64


def test_a_write_that_fails_names_the_file_in_one_line(tmp_path):
    script = (
        "from pathlib import Path\n"
        "from feedback_alignment.files import replacing, report_in_one_line\n"
        "report_in_one_line()\n"
        "with replacing(Path('full.csv')) as temporary:\n"
        "    Path('/dev/full').write_text('x')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True)
    assert done.returncode == 1
    assert done.stderr == b"error: full.csv: No space left on device\n"
    assert not list(tmp_path.iterdir())
