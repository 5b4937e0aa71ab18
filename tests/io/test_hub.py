"""Files of the Hub: path or repository, the cache, no connection offline, and a sentence for each way to fail."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.hub import COMMIT, CONTENT, Hub, serve_hub

from eliq_bench.errors import InputError
from eliq_bench.io.hub import Repository, cached_file, hub_errors, path_or_repository

ASK = """
import sys
from eliq_bench.errors import InputError
from eliq_bench.io.hub import fetch_file, fetch_folder, path_or_repository
how, file, *names = sys.argv[1:]
for name in names:
    found = path_or_repository("critic", name)
    try:
        print(fetch_file(found, file, how == "offline") if file else fetch_folder(found))
    except InputError as error:
        print(error)
"""
FILE = "critic.safetensors"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve_hub() as running:
        yield running


def ask(hub: Hub, home: Path, how: str, file: str, *names: str, **environment: str) -> list[str]:
    """What `fetch` gives or says of each name, in a process of its own: the Hub's client reads its address once."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, how, file, *names],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"HF_ENDPOINT": hub.address, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
        | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_path_that_exists_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some/critic").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_or_repository("critic", "some/critic") == Path("some/critic")
    assert path_or_repository("critic", "~/some") == tmp_path / "some"


@pytest.mark.parametrize(
    ("given", "revision", "expected"),
    [
        ("some/critic", None, Repository("critic", "some/critic")),
        ("some/critic@v2", None, Repository("critic", "some/critic", "v2")),
        ("some/critic", "v3", Repository("critic", "some/critic", "v3")),
        ("an-owner_1/a.name-2@refs/pr/1", None, Repository("critic", "an-owner_1/a.name-2", "refs/pr/1")),
    ],
)
def test_owner_and_name_are_a_repository(given: str, revision: str | None, expected: Repository) -> None:
    assert path_or_repository("critic", given, revision) == expected


@pytest.mark.parametrize("given", ["/nope", "../nope", "./nope", "~/nope", "nope", "one/two/three", "nothing here/x"])
def test_what_is_neither_is_refused(given: str) -> None:
    sentence = f"^{given} is neither a file, nor a folder, nor a critic on the Hub like OWNER/NAME"
    with pytest.raises(InputError, match=sentence):
        path_or_repository("critic", given)


def test_a_file_is_downloaded_once_and_then_found_offline(hub: Hub, tmp_path: Path) -> None:
    (path,) = ask(hub, tmp_path, "online", FILE, "some/fine")
    assert Path(path).read_bytes() == CONTENT
    assert Path(path).parent.name == COMMIT
    hub.asked.clear()
    assert ask(hub, tmp_path, "offline", FILE, "some/fine") == [path]
    assert hub.asked == []


def test_offline_no_connection_is_opened(hub: Hub, tmp_path: Path) -> None:
    forbidden = {"HF_HUB_OFFLINE": "1"}
    for how, file, variables in (
        ("offline", FILE, {}),
        ("online", FILE, forbidden),
        ("online", "", forbidden),
    ):
        (sentence,) = ask(hub, tmp_path, how, file, "some/absent@v2", **variables)
        words = f"some/absent {file}".strip()
        assert sentence.startswith("The critic some/absent is not on this machine (offline); run")
        assert f"`hf download {words} --revision v2`" in sentence
    assert hub.asked == []


def test_every_refusal_is_a_sentence_of_its_own(hub: Hub, tmp_path: Path) -> None:
    names = ("some/absent", "some/gated", "some/whole@v9", "some/empty", "some/token", "some/broken")
    sentences = ask(hub, tmp_path, "online", FILE, *names)
    assert len(sentences) == 6, sentences
    absent, gated, revision, empty, token, broken = sentences
    assert absent.startswith("The Hub has no critic some/absent that you may see; correct the id")
    assert "some/gated is gated: ask for access at https://huggingface.co/some/gated" in gated
    assert "hf auth login" in gated
    assert revision.startswith("The critic some/whole has no revision v9")
    assert empty.startswith("some/empty on the Hub is no critic as it is needed here, a file of it is missing (")
    assert token.startswith("The Hub does not accept your token (")
    assert broken.startswith("The critic some/broken is not on this machine and cannot be downloaded from the Hub (")
    assert f"hf download some/broken {FILE}" in broken
    assert hub.asked


def test_a_folder_is_refused_in_the_same_words(hub: Hub, tmp_path: Path) -> None:
    absent, broken = ask(hub, tmp_path, "online", "", "some/absent", "some/broken")
    assert absent.startswith("The Hub has no critic some/absent that you may see; correct the id")
    assert broken.startswith("The critic some/broken is not on this machine and cannot be downloaded")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, r"^The disk is full, the model a/b .* HF_HOME"),
        (errno.EDQUOT, r"^The disk is full, the model a/b .* HF_HOME"),
        (errno.EACCES, r"^The model a/b cannot be written .*Permission denied.* HF_HOME"),
    ],
)
def test_what_the_disk_refuses_is_named_however_deep_it_lies(code: int, sentence: str) -> None:
    def write() -> None:
        try:
            raise OSError(code, os.strerror(code))
        except OSError as error:
            raise RuntimeError("the transfer failed") from error

    with pytest.raises(InputError, match=sentence), hub_errors(Repository("model", "a/b")):
        write()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (403, "does not let you have the model a/b"),
        (429, "too many requests"),
        (503, r"cannot be downloaded from the Hub \(no\)"),
        (None, r"cannot be downloaded from the Hub \(no\)"),
    ],
)
def test_the_status_of_an_answer_counts(status: int | None, sentence: str) -> None:
    error = RuntimeError("no")
    error.response = SimpleNamespace(status_code=status)  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=sentence), hub_errors(Repository("model", "a/b")):
        raise error


def test_what_is_in_the_cache_is_known_without_a_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--some--critic"
    (repository / "snapshots" / COMMIT).mkdir(parents=True)
    (repository / "snapshots" / COMMIT / FILE).touch()
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(COMMIT)
    wanted = Repository("critic", "some/critic")
    assert cached_file(wanted, FILE) == repository / "snapshots" / COMMIT / FILE
    assert cached_file(wanted, "other.json") is None
    assert cached_file(Repository("critic", "some/other"), FILE) is None
    with pytest.raises(InputError, match=r"^--/x is no id of a repository on the Hub"):
        cached_file(Repository("critic", "--/x"), FILE)
