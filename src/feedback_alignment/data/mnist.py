"""MNIST: find or download its four files, and read them."""

import gzip
import hashlib
import math
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from feedback_alignment.data.download import download
from feedback_alignment.data.preparation import Classification, DataError

VARIABLE = "FEEDBACK_ALIGNMENT_MNIST"
# Kept by PyTorch, the Common Visual Data Foundation and Paderborn University, in this order.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)


class Original(NamedTuple):
    """What one of MNIST's files must be: its shape, and SHA-256 as downloaded and uncompressed."""

    shape: tuple[int, ...]
    sha256: str
    content_sha256: str


FILES = {
    "train-images-idx3-ubyte.gz": Original(
        (60000, 28, 28),
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte.gz": Original(
        (60000,),
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte.gz": Original(
        (10000, 28, 28),
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte.gz": Original(
        (10000,),
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
_REPLACE = "replace it with the original file"


def locate(
    directory: str | Path | None,
    environ: Mapping[str, str],
    cache: Path | None = None,
    *,
    mirrors: Sequence[str] = MIRRORS,
    terminal: TextIO | None = None,
) -> Path:
    """The folder with MNIST's files: the one named, or else the cache, filled if need be.

    Args:
        directory: a folder that the user names, or None. Its files may be compressed or not, as
            torchvision leaves them in `MNIST/raw`; what counts is their content.
        environ: the environment; its FEEDBACK_ALIGNMENT_MNIST names a folder if `directory` does
            not.
        cache: where the files are downloaded to if no folder is named; None for the user's.
        mirrors: addresses of folders with the files, tried in turn.
        terminal: where the progress bar goes if it is a terminal; None for standard error.

    Raises:
        DataError: the folder named lacks a file or has another; or a download failed.
    """
    named = directory or environ.get(VARIABLE)
    if not named:
        cache = cache or default_cache(environ)
        fill(cache, mirrors=mirrors, terminal=terminal)
        return cache
    what = "the MNIST directory" if directory else VARIABLE
    try:
        folder = Path(named).expanduser()
    except RuntimeError:
        raise DataError(f"{named}: ~ names no user's folder; {what} must name a folder") from None
    if not folder.is_dir():
        raise DataError(
            f"{folder}: there is no such folder; {what} must name one with {', '.join(FILES)}, "
            "or be left out to download them"
        )
    for name, original in FILES.items():
        path = _find(folder, name)
        if not path.is_file():
            raise DataError(
                f"{path}: there is no such file; put the original there, compressed or not, "
                f"or leave {what} out to download it"
            )
        with _opened(path) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != original.content_sha256:
            raise DataError(
                f"{path}: not MNIST's original file ({path.stat().st_size} bytes, sha256 of the "
                f"content {found}, not {original.content_sha256}); {_REPLACE}, "
                f"or leave {what} out to download it"
            )
    return folder


def fill(
    cache: Path,
    *,
    mirrors: Sequence[str] = MIRRORS,
    digests: Mapping[str, str] | None = None,
    terminal: TextIO | None = None,
) -> None:
    """Download the files that the cache lacks or has damaged.

    Args:
        cache: folder of the files; made if need be.
        mirrors: addresses of folders with the files, tried in turn.
        digests: SHA-256 by file name; None for MNIST's.
        terminal: where the progress bar goes if it is a terminal; None for standard error.

    Raises:
        DataError: a file cannot be had or cannot be written; one line with what to do.
    """
    for name, digest in (digests or {n: original.sha256 for n, original in FILES.items()}).items():
        urls = [f"{mirror.rstrip('/')}/{name}" for mirror in mirrors]
        try:
            download(urls, Path(cache) / name, sha256=digest, terminal=terminal)
        except DataError as error:
            raise DataError(
                f"{error}; try again, or set {VARIABLE} to a folder with MNIST's four files"
            ) from None


def default_cache(environ: Mapping[str, str]) -> Path:
    """Where downloads go unless the user says otherwise: the user's cache folder."""
    root = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "feedback-alignment" / "mnist"


def load_mnist(folder: Path) -> Classification:
    """Read MNIST (LeCun, Cortes and Burges).

    Args:
        folder: has the four original files, compressed or not.

    Returns:
        Inputs (60000, 784) and (10000, 784): grey values from 0 to 255, not scaled.

    Raises:
        DataError: a file is missing, cut off, damaged, or not what its name says; one line.
    """
    paths = {name: _find(Path(folder), name) for name in FILES}
    parts = []
    for part in ("train", "t10k"):
        images, labels = (
            read_idx(paths[name], original.shape)
            for name, original in FILES.items()
            if name.startswith(part)
        )
        if labels.max() > 9:
            path = paths[f"{part}-labels-idx1-ubyte.gz"]
            raise DataError(f"{path}: has the label {labels.max()}, not 0 to 9; {_REPLACE}")
        parts += [images.reshape(len(images), -1).astype(np.float64), labels.astype(np.int64)]
    return Classification(*parts, classes=10)


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Read an IDX file of bytes.

    Args:
        path: the file, gzipped if its name says so.
        shape: the shape that it must have.

    Returns:
        An array of that shape, uint8.

    Raises:
        DataError: the file is missing, cut off, damaged, or has another shape; one line.
    """
    size = math.prod(shape)
    with _opened(path) as file:
        _check_header(path, file.read(4 * (1 + len(shape))), shape)
        # One byte more shows whether the file goes on.
        body = file.read(size + 1)
    if len(body) < size:
        raise DataError(f"{path}: cut off: {len(body)} of {size} bytes of data; {_REPLACE}")
    if len(body) > size:
        raise DataError(f"{path}: goes on after its {size} bytes of data; {_REPLACE}")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)


def _find(folder: Path, name: str) -> Path:
    """The compressed file, or else the uncompressed one if there is one."""
    plain = folder / name.removesuffix(".gz")
    return plain if plain.is_file() and not (folder / name).is_file() else folder / name


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except EOFError:
        raise DataError(f"{path}: cut off: the compressed data has no end; {_REPLACE}") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: not a sound gzip file ({error}); {_REPLACE}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def _check_header(path: Path, header: bytes, shape: tuple[int, ...]) -> None:
    # The magic number of IDX: two zeros, the type (8 is unsigned byte), the number of dimensions.
    magic = bytes([0, 0, 8, len(shape)])
    if len(header) < 4 * (1 + len(shape)):
        raise DataError(f"{path}: cut off: its header is incomplete; {_REPLACE}")
    if header[:4] != magic:
        raise DataError(
            f"{path}: starts with {header[:4].hex()}, not {magic.hex()}, the mark of an IDX file "
            f"of bytes in {len(shape)} dimensions; {_REPLACE}"
        )
    found: tuple[int, ...] = struct.unpack(f">{len(shape)}I", header[4:])
    if found[0] != shape[0]:
        what = "images" if shape[1:] else "labels"
        raise DataError(f"{path}: has {found[0]} {what}, not {shape[0]}; {_REPLACE}")
    if found != shape:
        pixels, wanted = (" x ".join(map(str, s[1:])) for s in (found, shape))
        raise DataError(f"{path}: has images of {pixels} pixels, not {wanted}; {_REPLACE}")
