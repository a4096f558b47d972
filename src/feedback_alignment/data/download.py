"""Download a file by pooch: mirrors in turn, retried, checked, whole or not at all."""

import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from feedback_alignment.data.preparation import DataError

if TYPE_CHECKING:
    from requests import Response

_CHUNK = 1 << 16
# Too slow, too early, too many requests: asking again may help. So it may for 500 and above.
_TEMPORARY = (408, 425, 429)
# Compressed on the way, a file would not have the digest that it has at its mirror.
_HEADERS = {"User-Agent": "feedback-alignment", "Accept-Encoding": "identity"}


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
    """Download a file from the first mirror that gives it, unless it is there already.

    The file appears at `path` once its digest is right; a failure leaves nothing behind. A terminal
    shows a progress bar.

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
    failures = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            failure = _ask(url, path, sha256, timeout, attempts, pause, terminal)
            if failure is None:
                return
            failures.append(f"{url}: {failure}")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from None
    raise DataError(f"{path.name}: cannot be downloaded: {'; '.join(failures)}")


def _ask(
    url: str,
    path: Path,
    sha256: str,
    timeout: float,
    attempts: int,
    pause: float,
    terminal: TextIO | None,
) -> str | None:
    """Fetch the file from one mirror; return what went wrong, or None."""
    from requests import RequestException

    for attempt in range(attempts):
        try:
            _fetch(url, path, sha256, timeout, terminal)
            return None
        except RequestException as error:
            failure, temporary = _reason(error, timeout)
            if not temporary:
                return failure
        except ValueError as error:
            # The digest; pooch goes on to say what it did with the file.
            return str(error).split(". ")[0]
        if attempt < attempts - 1:
            time.sleep(pause * 2**attempt)
    return f"{failure} (attempts: {attempts})"


def _fetch(url: str, path: Path, sha256: str, timeout: float, terminal: TextIO | None) -> None:
    import pooch
    from tqdm import tqdm

    pooch.get_logger().setLevel("WARNING")
    # Without `disable=None` a log would be full of bars. The total comes with the answer; until
    # then pooch takes a bar of nothing for none.
    look = {"unit": "B", "unit_scale": True, "leave": False, "disable": None, "total": 1}
    with ExitStack() as opened:
        bar = opened.enter_context(tqdm(desc=path.name, file=terminal, **look))

        def look_at(response: "Response", *_: Any, **__: Any) -> None:
            opened.callback(response.close)
            length = response.headers.get("Content-Length", "")
            # No number, or more than any file has: the digest tells what is whole.
            if not re.fullmatch("[0-9]{1,18}", length):
                response.headers.pop("Content-Length", None)

        transfer = pooch.HTTPDownloader(
            progressbar=bar,
            chunk_size=_CHUNK,
            timeout=timeout,
            headers=_HEADERS,
            hooks={"response": look_at},
        )
        pooch.retrieve(url, sha256, path.name, path.parent, downloader=transfer)


def _reason(error: Exception, timeout: float) -> tuple[str, bool]:
    """Why a mirror failed, in a few words, and whether that may pass."""
    from requests import HTTPError, TooManyRedirects

    if isinstance(error, HTTPError) and error.response is not None:
        status = error.response.status_code
        words = f"HTTP {status} {error.response.reason}"
        return " ".join(words.split()), status in _TEMPORARY or status >= 500
    # An address that is none is a ValueError, too.
    temporary = not isinstance(error, TooManyRedirects | ValueError)
    # What happened stands at the end of the chain; above it each library says it in its own way.
    root: BaseException = error
    while inner := root.__cause__ or (None if root.__suppress_context__ else root.__context__):
        root = inner
    if isinstance(root, TimeoutError):
        return f"nothing came for {timeout:g} s", temporary
    received, missing = getattr(root, "partial", None), getattr(root, "expected", None)
    if isinstance(received, int) and missing:
        return f"broke off after {received} of {received + missing} bytes", temporary
    words = getattr(root, "strerror", None) or str(root) or type(root).__name__
    return " ".join(words.split()), temporary
