"""What the Hub refuses is one sentence with the pipeline's id and what to do; a small server plays the Hub."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

ASK = """
import sys
from eliq_bench.eliq.generate.locate import locate
from eliq_bench.errors import InputError
for given in sys.argv[1:]:
    try:
        locate(*given.split("@"))
    except InputError as error:
        print(error)
"""


class Hub(BaseHTTPRequestHandler):
    """Answers as the Hub does, by the name of the repository."""

    def do_GET(self) -> None:
        kinds = {
            "absent": (401, "RepoNotFound"),
            "gated": (403, "GatedRepo"),
            "whole": (404, "RevisionNotFound"),
            "dataset": (404, "EntryNotFound"),
        }
        name = next((name for name in kinds if f"/some/{name}" in self.path), None)
        if name is None:
            self.close_connection = True  # and no answer: a connection that breaks
            return
        if name == "dataset" and self.path.startswith("/api/models"):
            body = b'{"id": "some/dataset", "sha": "0123", "siblings": [], "tags": []}'
            self._answer(200, body)
        else:
            status, code = kinds[name]
            self._answer(status, b"{}", code)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, body: bytes, code: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        """No line on the screen for each request."""


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def asked(*given: str, **environment: str) -> list[str]:
    """What `locate` says of each id, in a process of its own, since the Hub's client reads its address once."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, *given],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HF_HUB_DISABLE_TELEMETRY": "1", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_refusal_is_a_sentence_of_its_own(hub: str) -> None:
    told = asked(
        "some/absent",
        "some/gated",
        "some/whole@v9",
        "some/dataset",
        "some/broken",
        "one/two/three",
        HF_ENDPOINT=hub,
        HF_HUB_OFFLINE="0",
    )
    assert len(told) == 6, told
    absent, gated, revision, dataset, broken, path = told
    assert absent.startswith("The Hub has no pipeline some/absent that you may see; correct the id")
    assert "some/gated is gated: ask for access at https://huggingface.co/some/gated" in gated
    assert "hf auth login" in gated
    assert revision.startswith("The pipeline some/whole has no revision v9")
    assert dataset.startswith("some/dataset on the Hub is no pipeline of diffusers")
    assert broken.startswith("The pipeline some/broken cannot be had from the Hub (")
    assert "hf download some/broken" in broken
    assert path.startswith("The pipeline one/two/three is neither a folder here nor an id")
    assert not any("stacktrace" in sentence for sentence in told)


def test_offline_it_says_what_to_do() -> None:
    (told,) = asked("some/absent", HF_HUB_OFFLINE="1")
    assert told.startswith(
        "The pipeline some/absent is not wholly on this machine, and HF_HUB_OFFLINE forbids"
    )
    assert "hf download some/absent" in told
