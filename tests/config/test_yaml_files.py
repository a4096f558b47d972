"""YAML files: read as people mean them, or refused with their name in one line."""

import pytest

from feedback_alignment.errors import ConfigError
from feedback_alignment.yaml_files import read_yaml

BAD_FILES = {
    "holds itself": ("experiments: &e {e: *e}\n", "nested too deeply, or contains itself"),
    "nested too deeply": ("a: " + "[" * 3000, "nested too deeply, or contains itself"),
    "number too long": ("seed: 1" + "0" * 5000, "a number cannot be read"),
    "key that is no text": ("experiments: {1: 2}\n", "experiments.1: the key is not text"),
    "infinite": ("seed: .inf\n", "seed: inf is not allowed; allowed: a finite number"),
    "empty": ("", "the file is empty"),
    "only a comment": ("# nothing\n", "the file is empty"),
    "broken": ("name: [1\nb: 2\n", "not valid YAML"),
    "tab": ("name: x\n\tb: 2\n", "not valid YAML"),
    "list": ("- a\n- b\n", "the top level must be keys with values, not a list"),
    "duplicate key": ("name: a\nseed: 1\nname: b\n", 'line 3: key "name" stands twice; keep one'),
    "nested duplicate": (
        "name: a\nexperiments:\n  e:\n    grid: {width: [1]}\n    grid: {width: [2]}\n",
        'key "grid" stands twice; keep one',
    ),
    "not text": (b"\xff\xfe\x00", "cannot be read"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_named_in_one_line(case, tmp_path):
    text, message = BAD_FILES[case]
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: there is no such file"):
        read_yaml(tmp_path / "absent.yaml")


def test_yaml_numbers_and_words_are_read_as_people_mean_them(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("a: 1e-3\nb: 1e8\non: off\n")
    assert read_yaml(path) == {"a": 0.001, "b": 1e8, "on": "off"}
