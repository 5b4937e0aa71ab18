"""A critic's place: a path, a repository in the hub's cache, or one sentence that says why not."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from eliq_bench.eliq.critic.locate import CHECKPOINT_FILE, locate
from eliq_bench.errors import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ASK = """
import sys
from eliq_bench.eliq.critic.locate import locate
print(locate("some/critic", offline=sys.argv[1] == "offline"))
"""


@pytest.fixture
def hub() -> Iterator[tuple[str, list[str]]]:
    """Address of a hub that has nothing, and the paths it was asked for."""
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()

        def log_message(self, format: str, *words: object) -> None:
            """No line on the screen for each request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def ask(how: str, hub: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """`locate` in a process of its own, since the hub's client reads its address once."""
    return subprocess.run(
        [sys.executable, "-c", ASK, how],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HF_ENDPOINT": hub, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"},
    )


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / CHECKPOINT_FILE
    file.touch()
    assert locate(str(tmp_path)) == locate(str(file)) == file


@pytest.mark.parametrize("given", ["/nope", "../nope", "nope", "one/two/three", "nothing here/x"])
def test_what_is_neither_path_nor_id_is_refused(given: str) -> None:
    with pytest.raises(InputError, match=f"^{given} is neither a file, nor a folder, nor a hub repository"):
        locate(given)


def test_no_name_is_not_the_current_folder() -> None:
    with pytest.raises(InputError, match="write eliq:PATH or eliq:OWNER/REPOSITORY"):
        locate("")


def test_offline_the_hub_is_not_asked(hub: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = hub
    done = ask("offline", address, tmp_path)
    assert "critic.safetensors of the hub repository is not on this machine" in done.stderr
    assert asked == []
    assert "cannot be had from the hub repository" in ask("online", address, tmp_path).stderr
    assert asked, "the same name asks this hub otherwise"


def test_offline_the_cache_of_the_hub_is_read(hub: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = hub
    repository = tmp_path / "hub/models--some--critic"
    file = repository / "snapshots" / COMMIT / CHECKPOINT_FILE
    file.parent.mkdir(parents=True)
    file.touch()
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(COMMIT)
    assert ask("offline", address, tmp_path).stdout.strip() == str(file)
    assert asked == []


def test_the_advice_keeps_the_revision() -> None:
    with pytest.raises(InputError, match=r"critic\.safetensors --revision v2`"):
        locate("nobody/nothing@v2", offline=True)
