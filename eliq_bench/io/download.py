"""Downloads over HTTP(S): resumed where they were cut, retried, verified, and placed whole.

`requests` and `urllib3` speak the protocol and wait as servers ask (429, 503, Retry-After); resuming and verifying is
ours, since no library of this environment does both.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eliq_bench.errors import EliqBenchError, first_line
from eliq_bench.io.archives import Piece
from eliq_bench.io.files import check_inside

if TYPE_CHECKING:
    import requests

CONNECTIONS = 8
"""Files that are downloaded at once."""
CHUNK = 1 << 20
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for the next bytes."""
FRUITLESS = 5
"""Attempts in a row that bring no byte, after which a download is given up."""
LONGEST_WAIT = 60
"""Seconds that a server may ask to wait."""


class DownloadError(EliqBenchError):
    """A file could not be downloaded; the sentence says from where and why."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that a server offers."""

    url: str
    name: str
    """Where it belongs, relative to the folder it is downloaded into."""
    size: int = 0
    """Bytes; 0 if the server has not said."""
    digest: str = ""
    """`sha256:...`, `md5:...`, or `git:...` (the id of a blob); empty if nobody has published one."""
    headers: Mapping[str, str] = field(default_factory=dict)


def download_all(
    files: Iterable[RemoteFile], folder: Path, progress: Callable[[int, int], object] | None = None
) -> list[Path]:
    """Download several files, some at a time; what is complete already is kept.

    Args:
        files: with names that differ.
        folder: is created if it does not exist.
        progress: called with bytes that are here and all bytes (0 if unknown).

    Raises:
        DownloadError: one of them could not be downloaded; what is here of the others is kept.
    """
    wanted = list(files)
    meter = _Meter(sum(file.size for file in wanted) if all(file.size for file in wanted) else 0, progress)
    stop = threading.Event()
    with _session() as session, ThreadPoolExecutor(CONNECTIONS) as pool:
        started = [pool.submit(_download, file, folder, session, meter, stop) for file in wanted]
        try:
            return [one.result() for one in started]
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def digest_of(path: Path, kind: str) -> str:
    """The digest of a file's bytes, as in `RemoteFile.digest`."""
    with path.open("rb") as stream:
        if kind != "git":
            return f"{kind}:{hashlib.file_digest(stream, kind).hexdigest()}"
        blob = hashlib.sha1(b"blob %d\0" % path.stat().st_size)  # that is what git uses
        while chunk := stream.read(CHUNK):
            blob.update(chunk)
        return f"git:{blob.hexdigest()}"


@contextmanager
def by_range(
    files: Sequence[RemoteFile], progress: Callable[[int, int], object] | None = None
) -> Iterator[tuple[Piece, ...]]:
    """Files to be read in places, without downloading the rest; for `io.archives.Archive`.

    Raises:
        DownloadError: their server only gives whole files, or something else than these. Reading raises it if a file
            changes meanwhile.
    """
    meter = _Meter(0, progress)
    with _session() as session:
        yield tuple(_piece(file, session, meter) for file in files)


def _piece(file: RemoteFile, session: "requests.Session", meter: "_Meter") -> Piece:
    headers = {"Accept-Encoding": "identity", **file.headers}
    try:
        with session.get(file.url, headers=headers | {"Range": "bytes=0-0"}, stream=True, timeout=TIMEOUT) as answer:
            _check_answer(answer, file)
            found = re.fullmatch(r"bytes 0-0/(\d+)", answer.headers.get("Content-Range", ""))
            if answer.status_code != 206 or found is None:
                raise DownloadError(f"{file.url} can only be read whole.")
            size, validator = int(found[1]), _validator(answer)
    except _cuts() as error:
        raise DownloadError(f"{file.url} cannot be downloaded: {_reason(error)}.") from error
    if file.size not in (0, size):
        raise DownloadError(f"{file.url} has {size:,} bytes in place of {file.size:,}; it was changed.")

    def read(start: int, end: int) -> bytes:
        span = headers | {"Range": f"bytes={start}-{end - 1}"} | ({"If-Range": validator} if validator else {})
        for attempt in range(FRUITLESS):
            try:
                with session.get(file.url, headers=span, timeout=TIMEOUT, stream=True) as answer:
                    if answer.status_code != 206 or answer.headers.get("Content-Range") != (
                        f"bytes {start}-{end - 1}/{size}"
                    ):
                        _check_answer(answer, file)
                        raise DownloadError(f"{file.url} has changed while it was read.")
                    meter.add(len(answer.content))
                    return answer.content
            except _cuts() as error:
                reason = _reason(error)
                time.sleep(0.1 * 2**attempt)
        raise DownloadError(f"{file.url} cannot be downloaded: {reason}.")

    return Piece(size, read)


class _Meter:
    """Adds up the bytes of several threads."""

    def __init__(self, total: int, progress: Callable[[int, int], object] | None) -> None:
        self._total, self._done, self._progress = total, 0, progress
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            if self._progress:
                self._progress(self._done, self._total)


def _session() -> "requests.Session":
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retry = Retry(
        total=FRUITLESS,
        connect=0,  # where there is no network, the next source is not kept waiting
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
        retry_after_max=LONGEST_WAIT,
    )
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=CONNECTIONS))
    return session


def _download(
    file: RemoteFile, folder: Path, session: "requests.Session", meter: _Meter, stop: threading.Event
) -> Path:
    target = folder / check_inside(file.name, Path(file.url))
    if target.is_file() and _fits(target, file):
        meter.add(target.stat().st_size)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(target)
    meter.add(part.size)
    fruitless, begun = 0, part.size
    while True:
        before = part.size
        try:
            complete = _receive(file, part, session, meter, stop)
        except _cuts() as error:
            fruitless = 0 if part.size > before else fruitless + 1
            if fruitless >= FRUITLESS or stop.is_set() or (_no_connection(error) and part.size == begun):
                raise DownloadError(f"{file.url} cannot be downloaded: {_reason(error)}.") from error
            time.sleep(min(0.1 * 2**fruitless, 10))
            continue
        if complete:
            break
    if not _fits(part.path, file):
        found = digest_of(part.path, file.digest.partition(":")[0]) if file.digest else f"{part.size:,} bytes"
        meter.add(-part.size)
        part.remove()
        raise DownloadError(
            f"{file.url} is not the file that is expected (found {found}, expected {file.digest or file.size}); it was "
            "changed or damaged."
        )
    part.path.replace(target)
    part.remove()
    return target


class _Part:
    """What is here of a file, with what tells the server's version of it."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f".{target.name}.part")
        self._about = target.with_name(f".{target.name}.part.json")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def validator(self) -> str:
        """ETag or date of the version that was begun; empty if there is none, or nothing is begun."""
        with suppress(OSError, ValueError, AttributeError):
            return str(json.loads(self._about.read_text(encoding="utf-8")).get("validator", "")) if self.size else ""
        return ""

    def begin(self, validator: str) -> None:
        """Forget what is here, and note the version that follows."""
        self.path.write_bytes(b"")
        self._about.write_text(json.dumps({"validator": validator}), encoding="utf-8")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)


def _receive(file: RemoteFile, part: _Part, session: "requests.Session", meter: _Meter, stop: threading.Event) -> bool:
    """Read from the server until the end or a cut; False if it has to be asked again from the start.

    Raises:
        DownloadError: the server refuses, or sends a web page in place of the file.
    """
    have, validator = part.size, part.validator
    if have and not validator and not file.digest:  # nothing would tell that the file has changed meanwhile
        meter.add(-have)
        part.remove()
        have = 0
    if have and file.size == have:
        return True
    headers = {"Accept-Encoding": "identity", **file.headers}
    if have:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": validator} if validator else {})
    with session.get(file.url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:
            if validator and answer.headers.get("Content-Range") == f"bytes */{have}":
                return True  # it was killed between the last byte and the new name
            meter.add(-have)  # more is here than the server has
            part.remove()
            return False
        _check_answer(answer, file)
        if answer.status_code != 206 or not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            meter.add(-have)
            part.begin(_validator(answer))
        with part.path.open("ab") as stream:
            while chunk := answer.raw.read1(CHUNK):  # what has arrived, so that a cut loses nothing
                if stop.is_set():
                    raise DownloadError(f"{file.url} was not downloaded, since another file failed.")
                stream.write(chunk)
                meter.add(len(chunk))
    return True


def _check_answer(answer: "requests.Response", file: RemoteFile) -> None:
    if answer.status_code >= 400:
        raise DownloadError(f"{file.url} cannot be downloaded: {_status(answer)}.")
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if kind == "text/html" and not file.name.lower().endswith((".html", ".htm")):
        text = answer.iter_content(1 << 14)
        raise DownloadError(f"{file.url} gives a web page in place of the file{_what(next(text, b''))}.")


def _status(answer: "requests.Response") -> str:
    meaning = {
        401: "it wants a login",
        403: "it is not public",
        404: "it is not there (any more)",
        410: "it was removed",
        429: "too many requests from here, try again later",
    }
    return meaning.get(answer.status_code, f"status {answer.status_code} {answer.reason}".strip())


def _what(page: bytes) -> str:
    """What a web page is, from its text."""
    text = page.decode("utf-8", errors="replace").lower()
    if "quota" in text or "too many users" in text:
        return ": too many have downloaded it lately, try again in a day or take another source"
    if "sign in" in text or "login" in text:
        return ": it wants a login"
    return ""


def _validator(answer: "requests.Response") -> str:
    tag = answer.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _fits(path: Path, file: RemoteFile) -> bool:
    if file.size and path.stat().st_size != file.size:
        return False
    return not file.digest or digest_of(path, file.digest.partition(":")[0]) == file.digest


def _cuts() -> tuple[type[Exception], ...]:
    """What a connection raises that ends early."""
    import requests
    import urllib3

    return (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
        urllib3.exceptions.HTTPError,
    )


def _no_connection(error: Exception) -> bool:
    """Whether no server was reached at all, nor a proxy."""
    from urllib3.exceptions import NewConnectionError

    return isinstance(_cause(error), NewConnectionError)


def _reason(error: Exception) -> str:
    """Why a connection failed, without the nested words of the libraries."""
    text = first_line(_cause(error))
    return text.rpartition(": ")[2] if text.startswith("<") or "object at 0x" in text or "host=" in text else text


def _cause(error: Exception) -> Exception:
    """The innermost of the exceptions that the libraries put into each other."""
    cause: Any = error
    while True:
        first = cause.args[0] if cause.args else None
        inner = getattr(cause, "original_error", None) or getattr(cause, "reason", None) or first
        if not isinstance(inner, Exception):
            return cause  # type: ignore[no-any-return]
        cause = inner
