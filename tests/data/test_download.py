"""Downloads from a server that misbehaves: the file arrives whole, or nothing and one line."""

import hashlib
import http.server
import io
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from feedback_alignment.data.download import download
from feedback_alignment.data.mnist import VARIABLE
from feedback_alignment.data.preparation import DataError

ROOT = Path(__file__).parents[2]
BODY = bytes(range(256)) * 2000
OTHER = BODY[::-1]
CUT = 200_000
DIGEST = hashlib.sha256(BODY).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Answers the requests to a path by the behaviours listed for it, the last one repeated."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviours = {}
        self.requests = []
        self.closing = threading.Event()

    def url(self, name, *behaviours):
        self.behaviours[f"/{name}"] = list(behaviours)
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def asked(self, name):
        return self.requests.count(f"/{name}")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        left = self.server.behaviours[self.path]
        self.server.requests.append(self.path)
        (left.pop(0) if len(left) > 1 else left[0])(self)

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        if length is None:
            length = len(body)
        if length != "":
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


def whole(handler):
    handler.reply(200, BODY)


def other(handler):
    handler.reply(200, OTHER)


def breaking_off(handler):
    handler.reply(200, BODY[:CUT], len(BODY))


def cut_without_length(handler):
    handler.reply(200, BODY[:CUT], "")


def cut_chunks(handler):
    handler.protocol_version = "HTTP/1.1"
    handler.reply(200, b"10000\r\n" + BODY[:1000], "", Transfer_Encoding="chunked")
    handler.close_connection = True


def without_length(handler):
    handler.reply(200, BODY, "")


def stalling(handler):
    handler.reply(200, BODY[:CUT], len(BODY))
    handler.server.closing.wait(20)


def silent(handler):
    handler.server.closing.wait(20)


def hanging_up(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


def gibberish(handler):
    handler.wfile.write(b"what?\r\n\r\n")


def circling(handler):
    handler.reply(302, Location=handler.path)


def endless(handler):
    handler.reply(200, BODY, "9" * 5000)


def status(code):
    return lambda handler: handler.reply(code, b"no")


@pytest.fixture
def server(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=[0.01])
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        # Bound but not listening: connections are refused, and nobody else gets the port.
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def fetch(path, *urls, **options):
    options = {"timeout": 20, "pause": 0.01, "attempts": 3} | options
    download(urls, path, sha256=DIGEST, **options)


def patience(behaviours, seconds):
    """Little only where the server stalls: elsewhere a slow machine must not look like one."""
    return seconds if {stalling, silent} & set(behaviours) else 20.0


def refusal(path, *urls, **options):
    """The one line that a failed download says; nothing may be left of it."""
    with pytest.raises(DataError) as caught:
        fetch(path, *urls, **options)
    assert list(path.parent.iterdir()) == []
    message = str(caught.value)
    assert "\n" not in message
    for url in urls:
        assert url in message
    assert path.name in message
    return message


GETS_THERE = {
    "at once": [whole],
    "breaks off, then well": [breaking_off, whole],
    "breaks off twice": [breaking_off, cut_chunks, whole],
    "error, then well": [status(500), whole],
    "busy, then well": [status(429), whole],
    "stalls, then well": [stalling, whole],
    "silent, then well": [silent, whole],
    "hangs up, then well": [hanging_up, whole],
    "absurd length": [endless],
    "no length": [without_length],
    "gibberish, then well": [gibberish, whole],
}


@pytest.mark.parametrize("case", GETS_THERE)
def test_the_file_arrives_whole(server, tmp_path, case):
    behaviours = GETS_THERE[case]
    path = tmp_path / "new folder" / "file.gz"
    fetch(path, server.url("file", *behaviours), timeout=patience(behaviours, 1))
    assert path.read_bytes() == BODY
    assert list(path.parent.iterdir()) == [path]
    assert server.asked("file") == len(behaviours)


def test_a_file_that_is_there_is_not_asked_for(server, tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(BODY)
    fetch(path, server.url("file", whole))
    assert server.requests == []


NEXT_MIRROR = {
    "wrong digest": ([other], 1),
    "missing": ([status(404)], 1),
    "forbidden": ([status(403)], 1),
    "always an error": ([status(500)], 3),
    "always breaks off": ([breaking_off], 3),
    "cut without saying so": ([cut_without_length], 1),
    "cut in a chunk": ([cut_chunks], 3),
    "always stalls": ([stalling], 3),
}


@pytest.mark.parametrize("case", NEXT_MIRROR)
def test_the_next_mirror_is_asked_and_starts_anew(server, tmp_path, case):
    behaviours, asked = NEXT_MIRROR[case]
    path = tmp_path / "file.gz"
    urls = server.url("bad", *behaviours), server.url("good", whole)
    fetch(path, *urls, timeout=patience(behaviours, 0.5))
    assert path.read_bytes() == BODY
    assert server.asked("bad") == asked
    assert server.asked("good") == 1


def test_the_next_mirror_is_asked_when_one_cannot_be_reached(server, closed_port, tmp_path):
    path = tmp_path / "file.gz"
    fetch(path, f"http://127.0.0.1:{closed_port}/file", server.url("good", whole))
    assert path.read_bytes() == BODY


def test_mirrors_after_the_first_good_one_are_left_alone(server, tmp_path):
    fetch(tmp_path / "file.gz", server.url("first", whole), server.url("second", whole))
    assert server.asked("second") == 0


FAILS = {
    "wrong digest": (
        [other],
        r"SHA256 hash of downloaded file \(file\.gz\) does not match the known hash: "
        rf"expected {DIGEST} but got [0-9a-f]{{64}}",
    ),
    "missing": ([status(404)], r"HTTP 404 Not Found"),
    "error": ([status(500)], r"HTTP 500 Internal Server Error \(attempts: 3\)"),
    "breaks off": ([breaking_off], r"broke off after 200000 of 512000 bytes \(attempts: 3\)"),
    "stalls": ([stalling], r"nothing came for 0\.1 s \(attempts: 3\)"),
    "silent": ([silent], r"nothing came for 0\.1 s \(attempts: 3\)"),
    "hangs up": ([hanging_up], r"Remote end closed connection without response \(attempts: 3\)"),
    "redirects to itself": ([circling], r"Exceeded 30 redirects\."),
    "gibberish": ([gibberish], r"what\? \(attempts: 3\)"),
    "cut in a chunk": ([cut_chunks], r".*\(attempts: 3\)"),
}


@pytest.mark.parametrize("case", FAILS)
def test_a_failure_is_one_line_and_leaves_nothing(server, tmp_path, case):
    behaviours, reason = FAILS[case]
    url = server.url("file", *behaviours)
    message = refusal(tmp_path / "file.gz", url, timeout=patience(behaviours, 0.1))
    assert re.fullmatch(rf"file\.gz: cannot be downloaded: {re.escape(url)}: {reason}", message)


def test_every_mirror_has_its_reason(server, closed_port, tmp_path):
    refused = f"http://127.0.0.1:{closed_port}/file"
    message = refusal(tmp_path / "file.gz", server.url("missing", status(404)), refused, "mirror/x")
    assert "404 Not Found; " in message
    assert f"{refused}: Connection refused (attempts: 3); " in message
    assert "mirror/x: Invalid URL 'mirror/x': No scheme supplied" in message


def test_a_file_that_was_there_outlives_a_failure(server, tmp_path):
    path = tmp_path / "file.gz"
    path.write_text("old")
    with pytest.raises(DataError):
        fetch(path, server.url("file", breaking_off))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_one_line_and_nobody_is_asked(server, tmp_path):
    (tmp_path / "taken").write_text("")
    path = tmp_path / "taken" / "file.gz"
    with pytest.raises(DataError, match=r"/taken/file\.gz: cannot be written: [A-Z][a-z ]+$"):
        fetch(path, server.url("file", whole))
    assert server.requests == []


@pytest.fixture
def little_space():
    """Files cannot grow past CUT bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CUT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("little_space")
def test_a_write_that_fails_is_one_line_and_no_fault_of_the_mirror(server, tmp_path):
    url = server.url("file", whole)
    with pytest.raises(DataError, match=r"/file\.gz: cannot be written: File too large$"):
        fetch(tmp_path / "file.gz", url, url)
    assert list(tmp_path.iterdir()) == []
    assert server.asked("file") == 1


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_a_progress_bar(server, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    fetch(tmp_path / "file.gz", server.url("file", breaking_off, whole))
    shown = sys.stderr.getvalue()
    assert "file.gz:" in shown
    assert "/512k" in shown


def test_the_terminal_may_be_elsewhere(server, tmp_path, capsys):
    terminal = Terminal()
    fetch(tmp_path / "file.gz", server.url("file", whole), terminal=terminal)
    assert "file.gz:" in terminal.getvalue()
    assert capsys.readouterr() == ("", "")


def test_a_log_is_spared_the_progress_bar(server, tmp_path, capsys):
    fetch(tmp_path / "file.gz", server.url("file", whole))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_script_that_is_stopped_leaves_nothing(server, tmp_path, sent):
    mirror = server.url("", stalling).rstrip("/")
    server.behaviours["/train-images-idx3-ubyte.gz"] = [stalling]
    command = [sys.executable, ROOT / "scripts/mnist.py", "--mirror", mirror]
    running = subprocess.Popen(
        [*command, "--cache", tmp_path],
        env={key: value for key, value in os.environ.items() if key != VARIABLE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not any(path.stat().st_size for path in tmp_path.iterdir()):
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(sent)
    assert running.communicate(timeout=10) == (b"", b"")
    assert running.returncode == 128 + sent
    assert list(tmp_path.iterdir()) == []
