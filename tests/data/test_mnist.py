"""MNIST's files are found, fetched and read, or refused with one line that says what to do."""

import functools
import gzip
import hashlib
import http.server
import os
import re
import shutil
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from feedback_alignment.data import mnist
from feedback_alignment.data.mnist import (
    FILES,
    VARIABLE,
    default_cache,
    fill,
    load_mnist,
    locate,
    read_idx,
)
from feedback_alignment.data.preparation import DataError, standardise

ROOT = Path(__file__).parents[2]
REAL = Path(os.environ.get(VARIABLE) or f"the folder that {VARIABLE} names")
SHAPES = {name: original.shape for name, original in FILES.items()}
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = SHAPES


def idx(array):
    """A gzipped IDX file of bytes, written from its definition."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes(), compresslevel=1)


@pytest.fixture
def real():
    if not REAL.is_dir():
        pytest.skip(f"needs MNIST's files in {REAL}, and there is none")
    return REAL


@pytest.fixture(scope="module")
def made_folder(tmp_path_factory):
    """Files of MNIST's shapes, all their pixels but the first image's zero."""
    folder = tmp_path_factory.mktemp("made")
    for name, shape in SHAPES.items():
        array = np.arange(shape[0]) % 10 if len(shape) == 1 else np.zeros(shape)
        array[0] = np.arange(784).reshape(28, 28) % 256 if len(shape) == 3 else 7
        (folder / name).write_bytes(idx(array))
    return folder


@pytest.fixture
def folder(made_folder, tmp_path):
    """A copy of the made files, to be spoilt."""
    for name in SHAPES:
        os.link(made_folder / name, tmp_path / name)
    return tmp_path


def spoil(path, content):
    path.unlink()
    path.write_bytes(content)


def refusal(function, *arguments, **options):
    with pytest.raises(DataError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 28, 28), (3, 0, 2)])
def test_idx_files_are_read(tmp_path, shape):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    (tmp_path / "file.gz").write_bytes(idx(array))
    found = read_idx(tmp_path / "file.gz", shape)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.uint8


IMAGES = np.arange(5 * 28 * 28).reshape(5, 28, 28) % 251
# Does not compress, so that a cut through the middle falls into the data.
NOISE = idx(np.random.default_rng(0).integers(0, 256, (5, 28, 28)))
PLAIN = gzip.decompress(idx(IMAGES))
WRONG = {
    "not compressed": (PLAIN, r"not a sound gzip file \(Not a gzipped file \(b'\\x00\\x00'\)\)"),
    "text": (b"<html>404", r"not a sound gzip file \(Not a gzipped file \(b'<h'\)\)"),
    "empty": (b"", r"cut off: its header is incomplete"),
    "cut in the compressed data": (
        NOISE[: len(NOISE) // 2],
        r"cut off: the compressed data has no end",
    ),
    "cut in the header": (
        gzip.compress(PLAIN[:13]),
        r"cut off: its header is incomplete",
    ),
    "cut before compression": (
        gzip.compress(PLAIN[:-100]),
        r"cut off: 3820 of 3920 bytes of data",
    ),
    "too long": (gzip.compress(PLAIN + b"x"), r"goes on after its 3920 bytes of data"),
    "wrong checksum": (
        NOISE[:-8] + b"12345678",
        r"not a sound gzip file \(CRC check failed .*\)",
    ),
    "damaged": (
        gzip.compress(PLAIN)[:10] + b"\xff" * 40,
        r"not a sound gzip file \(Error -3 while decompressing data: .*\)",
    ),
    "labels": (
        idx(np.zeros(3920)),
        r"starts with 00000801, not 00000803, the mark of an IDX file of bytes in 3 dimensions",
    ),
    "real numbers": (
        gzip.compress(b"\0\0\x0d\3" + PLAIN[4:]),
        r"starts with 00000d03, not 00000803, the mark of an IDX file of bytes in 3 dimensions",
    ),
    "wrong count": (idx(IMAGES[:4]), r"has 4 images, not 5"),
    "wrong size": (
        idx(IMAGES.reshape(5, 14, 56)),
        r"has images of 14 x 56 pixels, not 28 x 28",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_idx_file_is_one_line(tmp_path, case):
    content, problem = WRONG[case]
    path = tmp_path / "file.gz"
    path.write_bytes(content)
    expected = rf"{re.escape(str(path))}: {problem}; replace it with the original file"
    assert re.fullmatch(expected, refusal(read_idx, path, (5, 28, 28)))


def test_a_missing_idx_file_and_a_folder_are_one_line(tmp_path):
    path = tmp_path / "file.gz"
    assert refusal(read_idx, path, (5,)) == f"{path}: there is no such file"
    assert refusal(read_idx, tmp_path, (5,)) == f"{tmp_path}: cannot be read: Is a directory"


def test_the_four_files_are_put_together(made_folder):
    data = load_mnist(made_folder)
    assert data.inputs_train.shape == (60000, 784)
    assert data.inputs_test.shape == (10000, 784)
    assert data.inputs_train.dtype == data.inputs_test.dtype == np.float64
    assert data.labels_train.dtype == data.labels_test.dtype == np.int64
    assert data.classes == 10
    for inputs in (data.inputs_train, data.inputs_test):
        np.testing.assert_array_equal(inputs[0], np.arange(784) % 256)
        assert not inputs[1:].any()
    for labels in (data.labels_train, data.labels_test):
        assert labels[0] == 7
        np.testing.assert_array_equal(labels[1:], np.arange(1, len(labels)) % 10)


@pytest.mark.parametrize("name", SHAPES)
def test_a_wrong_number_of_images_or_labels_is_one_line(folder, name):
    count = SHAPES[name][0]
    spoil(folder / name, idx(np.zeros((count - 1, *SHAPES[name][1:]))))
    what = "images" if "images" in name else "labels"
    expected = f"{folder / name}: has {count - 1} {what}, not {count}; "
    assert refusal(load_mnist, folder).startswith(expected)


def test_labels_beyond_nine_are_one_line(folder):
    spoil(folder / TEST_LABELS, idx(np.full(10000, 11)))
    expected = f"{folder / TEST_LABELS}: has the label 11, not 0 to 9; "
    assert refusal(load_mnist, folder).startswith(expected)


@pytest.mark.parametrize(
    ("directory", "environ", "what"),
    [("named", {}, "the MNIST directory"), (None, {VARIABLE: "named"}, VARIABLE)],
)
def test_a_named_folder_must_hold_the_original_files(
    made_folder, tmp_path, monkeypatch, directory, environ, what
):
    monkeypatch.chdir(tmp_path)
    find = functools.partial(refusal, locate, directory, environ, tmp_path / "cache")
    assert find() == (
        f"named: there is no such folder; {what} must name one with {', '.join(SHAPES)}, "
        "or be left out to download them"
    )
    Path("named").mkdir()
    assert find() == (
        f"named/{TRAIN_IMAGES}: there is no such file; put the original there, compressed or not, "
        f"or leave {what} out to download it"
    )
    content = (made_folder / TRAIN_IMAGES).read_bytes()
    Path("named", TRAIN_IMAGES).write_bytes(content)
    assert find() == (
        f"named/{TRAIN_IMAGES}: not MNIST's original file ({len(content)} bytes, "
        f"sha256 of the content {hashlib.sha256(gzip.decompress(content)).hexdigest()}, "
        f"not {FILES[TRAIN_IMAGES].content_sha256}); "
        f"replace it with the original file, or leave {what} out to download it"
    )


@pytest.mark.parametrize("environ", [{}, {VARIABLE: ""}])
@pytest.mark.parametrize("directory", [None, ""])
def test_the_cache_is_filled_if_no_folder_is_named(
    tmp_path, monkeypatch, serve, small, directory, environ
):
    source, digests = small
    originals = {n: original._replace(sha256=digests[n]) for n, original in FILES.items()}
    monkeypatch.setattr(mnist, "FILES", originals)
    cache = tmp_path / "cache"
    assert locate(directory, environ, cache, mirrors=[serve(source)[0]]) == cache
    assert contents(cache) == contents(source)


def test_a_folder_named_in_the_call_comes_before_the_environment(tmp_path):
    message = refusal(locate, "first", {VARIABLE: "second"}, tmp_path)
    assert message.startswith("first: there is no such folder")


def test_a_folder_of_nobody_is_one_line():
    environ = {VARIABLE: "~no such user/mnist"}
    assert refusal(locate, None, environ, Path("cache")) == (
        f"~no such user/mnist: ~ names no user's folder; {VARIABLE} must name a folder"
    )


def test_the_cache_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    below = Path("feedback-alignment/mnist")
    assert default_cache({"XDG_CACHE_HOME": "/scratch"}) == Path("/scratch") / below
    assert default_cache({}) == tmp_path / ".cache" / below


@pytest.fixture
def serve(monkeypatch):
    """Serve a folder over HTTP: its address, and the list of the requests made."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    running = []

    def start(folder):
        requests = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_request(self, *_):
                requests.append(self.path)

            def log_message(self, *_):
                pass

        handler = functools.partial(Handler, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}", requests

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def small(tmp_path):
    """A folder of small files with MNIST's names, and their digests."""
    source = tmp_path / "source"
    source.mkdir()
    for number, name in enumerate(SHAPES):
        (source / name).write_bytes(idx(np.full(50, number)))
    digests = {name: hashlib.sha256((source / name).read_bytes()).hexdigest() for name in SHAPES}
    return source, digests


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_empty_cache_is_filled_and_a_full_one_left_alone(serve, small, tmp_path, slash):
    source, digests = small
    mirror, requests = serve(source)
    for _ in range(2):
        fill(tmp_path / "cache", mirrors=[mirror + slash], digests=digests)
    assert contents(tmp_path / "cache") == contents(source)
    assert requests == [f"/{name}" for name in SHAPES]


def test_a_damaged_file_in_the_cache_is_downloaded_anew(serve, small, tmp_path):
    source, digests = small
    cache = shutil.copytree(source, tmp_path / "cache")
    (cache / TEST_LABELS).write_bytes(b"half of")
    mirror, requests = serve(source)
    fill(cache, mirrors=[mirror], digests=digests)
    assert contents(cache) == contents(source)
    assert requests == [f"/{TEST_LABELS}"]


def test_a_mirror_that_lacks_a_file_is_followed_by_the_next(serve, small, tmp_path):
    source, digests = small
    partial = shutil.copytree(source, tmp_path / "partial")
    (partial / TRAIN_LABELS).unlink()
    fill(tmp_path / "cache", mirrors=[serve(partial)[0], serve(source)[0]], digests=digests)
    assert contents(tmp_path / "cache") == contents(source)


def test_what_came_before_a_failure_stays_and_the_message_says_what_to_do(serve, small, tmp_path):
    source, digests = small
    (source / TEST_LABELS).write_bytes(b"other")
    message = refusal(fill, tmp_path / "cache", mirrors=[serve(source)[0]], digests=digests)
    assert message.startswith(f"{TEST_LABELS}: cannot be downloaded: http://127.0.0.1:")
    assert "does not match the known hash: expected " in message
    assert message.endswith(f"; try again, or set {VARIABLE} to a folder with MNIST's four files")
    assert set(contents(tmp_path / "cache")) == set(SHAPES) - {TEST_LABELS}


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    cache = tmp_path / "file" / "cache"
    message = refusal(fill, cache, mirrors=["http://127.0.0.1:9"])
    assert message.startswith(f"{cache / TRAIN_IMAGES}: cannot be written: ")


def script(*arguments, **environ):
    clean = {key: value for key, value in os.environ.items() if key != VARIABLE}
    return subprocess.run(
        [sys.executable, ROOT / "scripts/mnist.py", *arguments],
        env=clean | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_script_says_in_one_line_what_is_wrong(tmp_path):
    done = script("--directory", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: .*/none: there is no such folder; .*\n", done.stderr)


def test_the_script_says_which_mirrors_failed_and_leaves_nothing(serve, small, tmp_path):
    mirrors = [serve(small[0])[0], serve(tmp_path)[0]]
    options = [f"--mirror={mirror}" for mirror in mirrors]
    done = script(*options, "--cache", tmp_path / "cache")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        rf"error: {TRAIN_IMAGES}: cannot be downloaded: "
        rf"{mirrors[0]}/{TRAIN_IMAGES}: SHA256 hash of .*; "
        rf"{mirrors[1]}/{TRAIN_IMAGES}: HTTP 404 File not found; "
        rf"try again, or set {VARIABLE} to a folder with MNIST's four files\n",
        done.stderr,
    )
    assert contents(tmp_path / "cache") == {}


def test_the_script_downloads_the_real_files_to_the_users_cache(real, serve, tmp_path):
    done = script("--mirror", serve(real)[0], XDG_CACHE_HOME=str(tmp_path))
    cache = tmp_path / "feedback-alignment" / "mnist"
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{cache}\n", "")
    digests = {n: hashlib.sha256(content).hexdigest() for n, content in contents(cache).items()}
    assert digests == {name: original.sha256 for name, original in FILES.items()}


def test_the_script_finds_the_real_files(real):
    done = script(**{VARIABLE: str(real)})
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{real}\n", "")


def test_uncompressed_files_do_as_well_if_their_content_is_the_original(real, tmp_path):
    for name in FILES:
        plain = tmp_path / name.removesuffix(".gz")
        plain.write_bytes(gzip.decompress((real / name).read_bytes()))
    data = load_mnist(locate(tmp_path, {}))
    assert data.labels_test[:3].tolist() == [7, 2, 1]
    with plain.open("r+b") as file:
        file.seek(100)
        file.write(bytes([3]))
    message = refusal(locate, tmp_path, {})
    assert re.match(rf"{plain}: not MNIST's original file \(10008 bytes, sha256 of the ", message)


def test_an_uncompressed_file_that_is_cut_is_one_line(folder):
    (folder / TEST_LABELS).unlink()
    plain = folder / TEST_LABELS.removesuffix(".gz")
    plain.write_bytes(gzip.decompress(idx(np.zeros(10000)))[:-1])
    expected = f"{plain}: cut off: 9999 of 10000 bytes of data; replace it with the original file"
    assert refusal(load_mnist, folder) == expected


def test_the_real_images_are_mnist(real, tmp_path):
    data = load_mnist(locate(str(real), {}, tmp_path / "none"))
    assert np.bincount(data.labels_train).tolist() == [
        *(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    ]
    assert np.bincount(data.labels_test).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
    assert data.labels_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.inputs_train.max() == 255
    # The mean and deviation that every MNIST tutorial quotes, of grey values from 0 to 1.
    mean, deviation = 0.1307 * 255, 0.3081 * 255
    scaled = standardise(data).inputs_train
    np.testing.assert_allclose(scaled.min(), -mean / deviation, rtol=5e-4)
    np.testing.assert_allclose(scaled.max(), (255 - mean) / deviation, rtol=5e-4)
