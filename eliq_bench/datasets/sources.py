"""What each kind of source offers: the files of a card's source, with addresses and published digests."""

import fnmatch
import itertools
import os
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from eliq_bench.cards import Source
from eliq_bench.io.download import TIMEOUT, DownloadError, RemoteFile
from eliq_bench.io.hub import Repository, hub_errors

HUB = "https://huggingface.co"
ZENODO = "https://zenodo.org/api/records"
GITHUB = "https://github.com"
MODELSCOPE = "https://modelscope.cn/api/v1/datasets"
PAGE = 200
"""Files that ModelScope lists at once."""
DRIVE = "https://drive.usercontent.google.com/download"
"""Where Google Drive hands out a file; `confirm=t` answers its question about files too large to scan."""


def offered(source: Source) -> list[RemoteFile]:
    """The files that a source offers and the card asks for; asks the server where it publishes a list.

    Raises:
        DownloadError: the server does not answer, or lacks a file.
        InputError: the hub refuses, see `io.hub`.
    """
    return KINDS[source.kind](source)


def place(source: Source) -> str:
    """The address of a source as a person would open it."""
    behind = f"@{source.revision[:10]}" if source.revision else ""
    name = {"hub": "hf.co/datasets/", "git": "github.com/", "zenodo": "zenodo.org/records/", "drive": "Google Drive "}
    name["modelscope"] = "modelscope.cn/datasets/"
    return ("" if "://" in source.address else name.get(source.kind, "")) + source.address + behind


def _hub(source: Source) -> list[RemoteFile]:
    from huggingface_hub import HfApi, hf_hub_url
    from huggingface_hub.hf_api import RepoFile
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    revision = source.revision or "main"
    _check_reachable(os.environ.get("HF_ENDPOINT", HUB))
    with hub_errors(Repository("dataset", source.address, source.revision or None)):
        api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
        tree = api.list_repo_tree(source.address, recursive=True, revision=revision, repo_type="dataset")
        entries = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
        headers = build_hf_headers()
    files = []
    for name in _chosen(source, list(entries)):
        entry = entries[name]
        digest = f"sha256:{entry.lfs.sha256}" if entry.lfs else f"git:{entry.blob_id}"
        url = hf_hub_url(
            source.address, name, repo_type="dataset", revision=revision, endpoint=os.environ.get("HF_ENDPOINT")
        )
        files.append(RemoteFile(url, name, entry.size, digest, headers))
    return files


def _http(source: Source) -> list[RemoteFile]:
    base = source.address.rstrip("/")
    return [
        RemoteFile(f"{base}/{urllib.parse.quote(name)}", name, digest=_known(source, name)) for name in source.files
    ]


def _git(source: Source) -> list[RemoteFile]:
    """The tarball of a commit; what it holds is the same at all times, its bytes are not."""
    repository = source.address if "://" in source.address else f"{GITHUB}/{source.address}"
    name = f"{source.revision}.tar.gz"
    return [RemoteFile(f"{repository}/archive/{name}", name)]


def _zenodo(source: Source) -> list[RemoteFile]:
    record = source.address if "://" in source.address else f"{ZENODO}/{source.address}"
    entries = {entry["key"]: entry for entry in _json(record)["files"]}
    return [
        RemoteFile(entries[name]["links"]["self"], name, entries[name]["size"], entries[name].get("checksum", ""))
        for name in _chosen(source, list(entries))
    ]


def _modelscope(source: Source) -> list[RemoteFile]:
    base = source.address if "://" in source.address else f"{MODELSCOPE}/{source.address}"
    revision = source.revision or "master"
    entries: dict[str, dict[str, Any]] = {}
    for page in itertools.count(1):
        words = {"Revision": revision, "Recursive": "true", "PageSize": PAGE, "PageNumber": page}
        found = (_json(f"{base}/repo/tree?{urllib.parse.urlencode(words)}").get("Data") or {}).get("Files") or []
        new = {entry["Path"]: entry for entry in found if entry["Type"] == "blob" and entry["Path"] not in entries}
        entries |= new
        if len(found) < PAGE or not new:  # the last page, or a server that knows no pages
            break
    if not entries:
        raise DownloadError(f"{place(source)} holds no files at present.")
    files = []
    for name in _chosen(source, list(entries)):
        entry = entries[name]
        words = {"Source": "SDK", "Revision": revision, "FilePath": name}
        digest = f"sha256:{entry['Sha256']}" if entry.get("Sha256") else _known(source, name)
        files.append(RemoteFile(f"{base}/repo?{urllib.parse.urlencode(words)}", name, int(entry["Size"]), digest))
    return files


def _drive(source: Source) -> list[RemoteFile]:
    base, _, number = source.address.rpartition("/")
    query = urllib.parse.urlencode({"id": number, "export": "download", "confirm": "t"})
    (name,) = source.files  # Drive does not say it before the download
    return [RemoteFile(f"{base or DRIVE}?{query}", name, digest=_known(source, name))]


KINDS: dict[str, Callable[[Source], list[RemoteFile]]] = {
    "hub": _hub,
    "http": _http,
    "git": _git,
    "zenodo": _zenodo,
    "drive": _drive,
    "modelscope": _modelscope,
}


def _known(source: Source, name: str) -> str:
    return f"sha256:{source.sha256[name]}" if name in source.sha256 else ""


def _chosen(source: Source, names: Sequence[str]) -> Iterator[str]:
    """The names that the card asks for; all if it asks for none.

    Raises:
        DownloadError: nothing fits a pattern.
    """
    for pattern in source.files or ("*",):
        fitting = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
        if not fitting:
            raise DownloadError(f"{place(source)} has no {pattern}.")
        yield from fitting


def _check_reachable(address: str) -> None:
    """Find out at once that there is no network; the hub's client tries for half a minute.

    Raises:
        DownloadError: no connection.
    """
    import requests

    try:
        requests.head(address, timeout=TIMEOUT, allow_redirects=False)
    except requests.ConnectionError as error:
        raise DownloadError(f"{address} cannot be reached; see that there is a network.") from error
    except requests.RequestException:
        pass  # it answers, if in a strange way


def _json(address: str) -> Any:
    import requests

    try:
        answer = requests.get(address, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()
    except (requests.RequestException, ValueError) as error:
        raise DownloadError(f"{address} gives no list of files ({type(error).__name__}).") from error
