"""MNIST: find or download its four files, and read them."""

import gzip
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from feedback_alignment.data.classification import Classification, DataError
from feedback_alignment.data.download import digest_file, download

VARIABLE = "FEEDBACK_ALIGNMENT_MNIST"
# Kept by PyTorch, the Common Visual Data Foundation and Paderborn University, in this order.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
SHAPES = {
    "train-images-idx3-ubyte.gz": (60000, 28, 28),
    "train-labels-idx1-ubyte.gz": (60000,),
    "t10k-images-idx3-ubyte.gz": (10000, 28, 28),
    "t10k-labels-idx1-ubyte.gz": (10000,),
}
DIGESTS = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
}
_REPLACE = "replace it with the original file"


def fill(
    cache: Path,
    *,
    mirrors: Sequence[str] = MIRRORS,
    digests: Mapping[str, str] = DIGESTS,
    timeout: float = 30.0,
    attempts: int = 3,
    pause: float = 1.0,
    terminal: TextIO | None = None,
) -> None:
    """Download the files that the cache lacks or has damaged.

    Args:
        cache: folder of the files; made if need be.
        mirrors: addresses of folders with the files, tried in turn.
        digests: sha256 by file name.
        timeout: seconds without a byte after which an attempt counts as failed.
        attempts: how often each mirror is asked for a file.
        pause: seconds before the second time; doubled each time.
        terminal: where the progress bar goes if it is a terminal; None for standard error.

    Raises:
        DataError: a file cannot be had or cannot be written; one line with what to do.
    """
    for name, digest in digests.items():
        path = Path(cache) / name
        if path.is_file() and _digest(path) == digest:
            continue
        urls = [f"{mirror.rstrip('/')}/{name}" for mirror in mirrors]
        try:
            download(
                urls,
                path,
                sha256=digest,
                timeout=timeout,
                attempts=attempts,
                pause=pause,
                terminal=terminal,
            )
        except DataError as error:
            raise DataError(
                f"{error}; try again, or set {VARIABLE} to a folder with MNIST's four .gz files"
            ) from None


def locate(
    directory: str | None,
    environ: Mapping[str, str],
    cache: Path,
    fill_cache: Callable[[Path], None] = fill,
) -> Path:
    """The folder with MNIST's files: the one named, or else the cache, filled if need be.

    Args:
        directory: a folder that the user names, or None.
        environ: the environment; its FEEDBACK_ALIGNMENT_MNIST names a folder if `directory` does
            not.
        cache: where the files are downloaded to if no folder is named.
        fill_cache: completes the cache.

    Raises:
        DataError: the folder named lacks a file or has another; or a download failed.
    """
    named = directory or environ.get(VARIABLE)
    if not named:
        fill_cache(cache)
        return Path(cache)
    what = "the MNIST directory" if directory else VARIABLE
    try:
        folder = Path(named).expanduser()
    except RuntimeError:
        raise DataError(f"{named}: ~ names no user's folder; {what} must name a folder") from None
    if not folder.is_dir():
        raise DataError(
            f"{folder}: there is no such folder; {what} must name one with {', '.join(SHAPES)}, "
            "or be left out to download them"
        )
    for name, digest in DIGESTS.items():
        path = folder / name
        if not path.is_file():
            raise DataError(
                f"{path}: there is no such file; put the original there, "
                f"or leave {what} out to download it"
            )
        found = _digest(path)
        if found != digest:
            raise DataError(
                f"{path}: not MNIST's original file ({path.stat().st_size} bytes, sha256 {found}, "
                f"not {digest}); {_REPLACE}, or leave {what} out to download it"
            )
    return folder


def default_cache(environ: Mapping[str, str]) -> Path:
    """Where downloads go unless the user says otherwise: the user's cache folder."""
    root = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "feedback-alignment" / "mnist"


def load_mnist(folder: Path) -> Classification:
    """Read MNIST (LeCun, Cortes and Burges).

    Args:
        folder: has the four original `.gz` files.

    Returns:
        Inputs (60000, 784) and (10000, 784): grey values from 0 to 255, not scaled.

    Raises:
        DataError: a file is missing, cut off, damaged, or not what its name says; one line.
    """
    arrays = {name: read_idx(Path(folder) / name, shape) for name, shape in SHAPES.items()}
    parts = []
    for part in ("train", "t10k"):
        images = arrays[f"{part}-images-idx3-ubyte.gz"]
        labels = arrays[f"{part}-labels-idx1-ubyte.gz"]
        if labels.max() > 9:
            name = f"{part}-labels-idx1-ubyte.gz"
            raise DataError(
                f"{Path(folder) / name}: has the label {labels.max()}, not 0 to 9; {_REPLACE}"
            )
        parts += [images.reshape(len(images), -1).astype(np.float64), labels.astype(np.int64)]
    return Classification(*parts, classes=10)


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Read a gzipped IDX file of bytes.

    Args:
        path: the file.
        shape: the shape that it must have.

    Returns:
        An array of that shape, uint8.

    Raises:
        DataError: the file is missing, cut off, damaged, or has another shape; one line.
    """
    size = math.prod(shape)
    try:
        with gzip.open(path) as file:
            _check_header(path, file.read(4 * (1 + len(shape))), shape)
            # One byte more shows whether the file goes on.
            body = file.read(size + 1)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except EOFError:
        raise DataError(f"{path}: cut off: the compressed data has no end; {_REPLACE}") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: not a sound gzip file ({error}); {_REPLACE}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(body) < size:
        raise DataError(f"{path}: cut off: {len(body)} of {size} bytes of data; {_REPLACE}")
    if len(body) > size:
        raise DataError(f"{path}: goes on after its {size} bytes of data; {_REPLACE}")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)


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
    found = tuple(int(n) for n in np.frombuffer(header, dtype=">u4", offset=4))
    if found[0] != shape[0]:
        what = "images" if len(shape) > 1 else "labels"
        raise DataError(f"{path}: has {found[0]} {what}, not {shape[0]}; {_REPLACE}")
    if found != shape:
        pixels, wanted = (" x ".join(map(str, s[1:])) for s in (found, shape))
        raise DataError(f"{path}: has images of {pixels} pixels, not {wanted}; {_REPLACE}")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return digest_file(file)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
