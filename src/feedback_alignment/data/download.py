"""Download a file: mirrors in turn, resumed or retried, checked, whole or not at all."""

import hashlib
import http.client
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from feedback_alignment.data.classification import DataError
from feedback_alignment.files import replacing

if TYPE_CHECKING:
    from tqdm import tqdm

_CHUNK = 1 << 16
# Too slow, too early, too many requests: asking again may help. So it may for 500 and above.
_TEMPORARY = (408, 425, 429)


class _InterruptedError(Exception):
    """The mirror failed in a way that may pass; what came so far can be built upon."""


class _RefusedError(Exception):
    """The mirror will not give the file, however often it is asked."""


def download(
    urls: Sequence[str],
    path: Path,
    *,
    sha256: str,
    timeout: float = 30.0,
    attempts: int = 3,
    pause: float = 1.0,
    terminal: TextIO | None = None,
) -> None:
    """Download a file from the first mirror that gives it.

    A transfer that breaks off is resumed where it broke off, if the mirror can do so. The file
    appears at `path` once its digest is right; a failure leaves nothing behind. A terminal shows a
    progress bar.

    Args:
        urls: the file's addresses, tried in turn.
        path: where it goes; its folder is made if need be.
        sha256: the digest that the file must have, in hexadecimal digits.
        timeout: seconds without an answer or a byte after which an attempt counts as failed.
        attempts: how often each mirror is asked.
        pause: seconds before a mirror is asked for the second time; doubled each time.
        terminal: where the progress bar goes if it is a terminal; None for standard error.

    Raises:
        DataError: no mirror gave the file, or it cannot be written; one line.
    """
    from tqdm import tqdm

    failures = []
    # Without `disable=None` a log would be full of bars.
    look = {"unit": "B", "unit_scale": True, "leave": False, "disable": None, "file": terminal}
    try:
        with (
            replacing(path) as temporary,
            temporary.open("w+b") as file,
            tqdm(desc=path.name, **look) as bar,
        ):
            for url in urls:
                failure = _fetch(url, file, bar, sha256, timeout, attempts, pause)
                if failure is None:
                    return
                failures.append(f"{url}: {failure}")
            raise DataError(f"{path.name}: cannot be downloaded: {'; '.join(failures)}")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from None


def digest_file(file: BinaryIO) -> str:
    """The sha256 of an open file from its start, in hexadecimal digits."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(
    url: str,
    file: BinaryIO,
    bar: "tqdm",
    sha256: str,
    timeout: float,
    attempts: int,
    pause: float,
) -> str | None:
    """Fill the file from one mirror; return what went wrong, or None."""
    # Nothing from another mirror: a bad start from one must not spoil the others.
    _empty(file)
    failure = None
    for attempt in range(attempts):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        resumed = file.tell() > 0
        try:
            _receive(url, file, bar, timeout)
        except _RefusedError as error:
            return str(error)
        except _InterruptedError as error:
            failure = str(error)
            continue
        found = digest_file(file)
        if found == sha256:
            return None
        failure = f"not the right file ({file.tell()} bytes, sha256 {found}, not {sha256})"
        _empty(file)
        if not resumed:
            return failure
    return f"{failure} (attempts: {attempts})"


def _receive(url: str, file: BinaryIO, bar: "tqdm", timeout: float) -> None:
    """Add what is still missing to the file, or all anew where the mirror cannot resume."""
    start = file.seek(0, 2)
    with _open(url, start, file, timeout) as response:
        if response.status != 206:
            start = 0
            _empty(file)
        elif not re.match(rf"bytes {start}-", response.headers.get("Content-Range", "")):
            _empty(file)
            raise _InterruptedError("gave another part of the file than it was asked for")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
        bar.reset(total)
        bar.n = bar.initial = start
        for chunk in _chunks(response, timeout):
            file.write(chunk)
            bar.update(len(chunk))
    if total is not None and file.tell() < total:
        raise _InterruptedError(f"broke off after {file.tell()} of {total} bytes")


def _open(url: str, start: int, file: BinaryIO, timeout: float) -> http.client.HTTPResponse:
    # Compressed on the way, byte counts and ranges would mean something else.
    headers = {"User-Agent": "feedback-alignment", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        return urlopen(Request(url, headers=headers), timeout=timeout)
    except HTTPError as error:
        error.close()
        reason = " ".join(f"HTTP {error.code} {error.reason}".split())
        if error.code == 416:
            _empty(file)
        elif error.code not in _TEMPORARY and error.code < 500:
            raise _RefusedError(reason) from None
        raise _InterruptedError(reason) from None
    except (OSError, http.client.HTTPException) as error:
        raise _InterruptedError(_reason(error, timeout)) from None
    except ValueError as error:
        raise _RefusedError(str(error)) from None


def _chunks(response: http.client.HTTPResponse, timeout: float) -> Iterator[bytes]:
    # Errors of the network become ours here, apart from those of writing the file.
    try:
        while chunk := response.read1(_CHUNK):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise _InterruptedError(_reason(error, timeout)) from None


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, TimeoutError):
        return f"nothing came for {timeout:g} s"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())


def _empty(file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()
