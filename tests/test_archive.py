"""Arrays with their specification: the same bytes each time, and no damage goes unnoticed."""

import numpy as np
import pytest

from feedback_alignment.archive import read_arrays, write_arrays
from feedback_alignment.files import DamagedFileError
from feedback_alignment.specification import digest_of

SPECIFICATION = {"step": "train", "settings": {"eta": 0.1, "rule": "fa"}}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "deep/a.npz"
    arrays = {"x": np.arange(300.0), "s": np.array(["ok", "diverged"])}
    write_arrays(path, arrays, SPECIFICATION)
    return path


def test_arrays_and_what_made_them_come_back(path):
    arrays, specification = read_arrays(path, digest_of(SPECIFICATION))
    assert arrays["x"].tolist() == list(range(300))
    assert arrays["s"].tolist() == ["ok", "diverged"]
    assert specification == SPECIFICATION


def test_numpy_reads_the_file_like_any_other(path):
    with np.load(path) as archive:
        assert archive["x"].size == 300


def test_files_repeat_byte_for_byte(path, tmp_path):
    arrays, specification = read_arrays(path)
    write_arrays(tmp_path / "b.npz", arrays, specification)
    assert (tmp_path / "b.npz").read_bytes() == path.read_bytes()


DAMAGE = {
    "cut off": lambda content: content[:1000],
    "emptied": lambda content: b"",
    "noise": lambda content: bytes(range(256)) * 10,
    "one bit": lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:],
    "longer": lambda content: content + b"0",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_told_in_one_line(kind, path):
    path.write_bytes(DAMAGE[kind](path.read_bytes()))
    with pytest.raises(DamagedFileError) as caught:
        read_arrays(path)
    assert str(caught.value) == f"{path}: the file is damaged"


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DamagedFileError, match=r"b\.npz: cannot be read: No such file"):
        read_arrays(tmp_path / "b.npz")


def test_the_file_of_another_job_is_refused(path):
    with pytest.raises(DamagedFileError, match="the file is that of another job"):
        read_arrays(path, digest_of({"step": "train"}))
