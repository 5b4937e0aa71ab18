"""Bringing a dataset of the catalogue here: its sources in their order, verified, placed whole, told.

Which mirror served the bytes does not matter for the result: every download must pass the checks that a dataset in a
user's folder must pass (`load.load_card`), and all its images must be there.
"""

import fnmatch
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from eliq_bench.cards import DatasetCard, Source
from eliq_bench.datasets.images import Place, find_images, plain_path
from eliq_bench.datasets.load import load_card
from eliq_bench.datasets.locate import NotHereError, find_labels, own_folder
from eliq_bench.datasets.sources import offered, place
from eliq_bench.errors import EliqBenchError, InputError, first_names
from eliq_bench.io.archives import Archive, is_archive, on_disk, share_wanted, unpack, whole_name
from eliq_bench.io.download import RemoteFile, by_range, digest_of, download_all
from eliq_bench.io.files import cache_dir, file_names, is_image_name, printable
from eliq_bench.io.write import locked, unfinished, write_whole
from eliq_bench.registry import dataset_cards
from eliq_bench.types import Progress

RECORD = "source.json"
"""In the dataset's folder: where it came from."""
ACCEPT_TERMS = "ELIQ_BENCH_ACCEPT_TERMS"
SMALL, WORTH = 100_000_000, 0.5
"""Single members are read out of a zip on a server only from so many bytes on, and up to that share of them."""
AGAIN = "run the same command again, which goes on from what is here"


@dataclass(frozen=True)
class FetchSettings:
    """How to fetch."""

    accept_terms: bool = False
    """The user has read the terms of datasets that are not open; the variable `ELIQ_BENCH_ACCEPT_TERMS` says so too."""
    source: str = ""
    """Only sources with this text in their address or kind."""


class Fetched(NamedTuple):
    """A dataset that is here now."""

    folder: Path
    sources: tuple[str, ...]
    """Where it came from; empty if it was here."""
    notes: tuple[str, ...]
    """Why other sources were passed over."""


class Got(NamedTuple):
    """What a source gave."""

    folder: Path
    record: dict[str, Any]


def fetch(card: DatasetCard, settings: FetchSettings | None = None, progress: Progress | None = None) -> Fetched:
    """Download a dataset into the cache, unless it is there.

    Several processes at once make one download: the others wait. A process that was killed leaves its finished files
    and parts of files, and the next one goes on from there.

    Args:
        card: of the catalogue.
        settings: terms, choice of sources.
        progress: called with the stage, and bytes that are here of all bytes (0 if no server says how many).

    Raises:
        InputError: the dataset cannot be fetched, its terms are not accepted, or no source gave it; the sentence names
            all that were tried and why each failed.
    """
    settings = settings or FetchSettings()
    folder = own_folder(card)
    if is_here(card):
        return Fetched(folder, (), ())
    _check_fetchable(card, settings)
    work = folder.with_name(f".{folder.name}.fetch")
    with locked(work):
        if is_here(card):  # another process has fetched it while this one waited
            shutil.rmtree(work, ignore_errors=True)
            return Fetched(folder, (), ())
        ready = work / folder.name  # a folder of the dataset's name is searched at any depth
        shutil.rmtree(ready, ignore_errors=True)
        ready.mkdir()
        fetched = _gather(card, settings, work, ready, progress or _silent)
        _place(ready, folder)
        shutil.rmtree(work, ignore_errors=True)
    return fetched


def take_archive(card: DatasetCard, given: Path) -> Fetched:
    """Place what was downloaded by hand: an archive or a folder, in whatever layout its files have.

    Args:
        card: of the catalogue.
        given: holds the images, the label files, or both.

    Raises:
        InputError: nothing of the dataset is in it, or what is there is not what the card says.
    """
    folder = own_folder(card)
    wanted = _wanted_of(card, [folder, given] if given.is_dir() else [folder])
    with locked(folder.parent), unfinished(folder) as temporary:
        ready = temporary / folder.name
        ready.mkdir()
        if given.is_dir():
            _copy_wanted(given, ready / "given", wanted)
        else:
            (ready / "given").mkdir()
            unpack(given, ready / "given", wanted)
        (ready / RECORD).write_text(json.dumps({"sources": [{"from": printable(given.name)}]}) + "\n", encoding="utf-8")
        dataset = load_card(card, [ready, folder], labels_only=True)
        here = sum(image is not None for image in dataset.items.image)
        if not here and not any(wanted(file.name) for file in (ready / "given").rglob("*")):
            raise InputError(f"{given} holds neither label files nor images of {card.name}.")
        _place(ready, folder)
    return Fetched(folder, (str(given),), (f"{here:,} of {len(dataset.items):,} images are here",))


def is_here(card: DatasetCard) -> bool:
    """Whether labels and images of a dataset are in its folder of the cache."""
    try:
        load_card(card, [own_folder(card)])
    except InputError:
        return False
    return True


def check_terms(card: DatasetCard, accepted: bool) -> None:
    """Refuse a dataset that is not open unless its terms are accepted, now or earlier; record that with its date.

    Raises:
        InputError: they are not accepted.
    """
    if card.terms == "open":
        return
    path = cache_dir() / "terms.json"
    agreed = _read_json(path)
    if card.name in agreed:
        return
    if not (accepted or os.environ.get(ACCEPT_TERMS, "").lower() in ("1", "true", "yes")):
        raise NotHereError(
            f"{card.title} is not open ({_terms(card)}; {card.page}); read its terms and run "
            f"`eliq-bench fetch {card.name} --accept-terms`, or set {ACCEPT_TERMS}=1."
        )
    agreed[card.name] = {"date": f"{date.today()}", "terms": card.terms, "licence": card.licence}
    with locked(path.parent):
        text = json.dumps(_read_json(path) | agreed, indent=1) + "\n"
        write_whole(
            path, lambda target: target.write_text(text, encoding="utf-8"), "set ELIQ_BENCH_CACHE to another folder"
        )


def _terms(card: DatasetCard) -> str:
    words = {"academic": "research use", "form": "on request", "none-stated": "no licence is stated"}
    return f"{words[card.terms]}: {card.licence}" if card.licence != "none stated" else words[card.terms]


def _check_fetchable(card: DatasetCard, settings: FetchSettings) -> None:
    if card.unavailable:
        raise InputError(f"{card.name} cannot be fetched: {card.unavailable}; {card.download} ({card.page}).")
    if not card.sources:
        raise NotHereError(f"{card.name} cannot be fetched: {card.download}; page: {card.page}.")
    if settings.source and not _chosen(card, settings):
        places = ", ".join(place(source) for source in card.sources)
        raise InputError(f"No source of {card.name} has {settings.source!r} in its address; there are: {places}.")
    check_terms(card, settings.accept_terms)


def _chosen(card: DatasetCard, settings: FetchSettings) -> list[Source]:
    return [one for one in card.sources if settings.source.lower() in f"{one.kind} {place(one)}".lower()]


def _gather(card: DatasetCard, settings: FetchSettings, work: Path, ready: Path, progress: Progress) -> Fetched:
    """Labels, then images, from the first source that gives them whole.

    Raises:
        InputError: no source did.
    """
    records: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for what in ("labels", "images"):
        for source in _chosen(card, settings):
            if what not in source.gives or _is_complete(card, what, ready):
                continue
            spot = work / hashlib.sha256(source.model_dump_json().encode()).hexdigest()[:8]
            part = ready / f"{source.kind}-{spot.name}"
            if part.exists():  # it gave the labels, and all it has
                failed[place(source)] = _lack(card, what, ready)
                continue
            try:
                got = _get(card, source, spot, ready, progress)
                records.append(_compared(card, got.record))
            except EliqBenchError as error:
                failed[place(source)] = str(error).rstrip(".")
                continue
            got.folder.rename(part)
            if not _is_complete(card, what, ready):
                failed[place(source)] = _lack(card, what, ready)
                shutil.rmtree(part)
                records.pop()
        if not _is_complete(card, what, ready):
            reasons = "; ".join(f"{where}: {why}" for where, why in failed.items()) or "no source gives them"
            raise NotHereError(
                f"The {what} of {card.name} could not be fetched ({reasons}); {AGAIN}; or {card.download}, and give "
                f"it to `eliq-bench fetch {card.name} --from-archive FILE`, or put it into {own_folder(card)}; page: "
                f"{card.page}."
            )
    load_card(card, [ready])
    text = json.dumps({"sources": records}, indent=1) + "\n"
    (ready / RECORD).write_text(text, encoding="utf-8")
    _remember(card, records)
    return Fetched(
        own_folder(card),
        tuple(record["from"] for record in records),
        tuple(f"{where} was passed over: {why}" for where, why in failed.items()),
    )


def _get(card: DatasetCard, source: Source, spot: Path, ready: Path, progress: Progress) -> Got:
    """Download the files of a source and unpack them.

    Raises:
        EliqBenchError: that failed; finished files are kept for the next time.
    """
    files = offered(source)
    wanted = _wanted_of(card, [ready], source.members)
    part = _get_members(source, files, spot, wanted, lambda done, total: progress(card.name, done, total))
    if part is not None:
        return Got(spot / "members", _record(source, files, part))
    size = sum(file.size for file in files) or source.size
    _check_room(spot.parent, 2 * size if any(is_archive(file.name) for file in files) else size, card)
    paths = download_all(files, spot / "files", lambda done, total: progress(card.name, done, total or source.size))
    shutil.rmtree(spot / "unpacked", ignore_errors=True)
    (spot / "unpacked").mkdir()
    lines = []
    parts: dict[str, list[Path]] = {}
    for file, path in zip(files, paths, strict=True):
        if is_archive(file.name):
            parts.setdefault(whole_name(file.name), []).append(path)
        else:
            target = spot / "unpacked" / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(path)  # the download itself stays until everything is in its place
            lines.append(f"{file.digest or digest_of(target, 'sha256')}  {file.name}")
    for pieces in parts.values():
        found = unpack(on_disk(sorted(pieces)), spot / "unpacked", wanted, source.junk)
        lines += _listed(spot / "unpacked", found)
    return Got(spot / "unpacked", _record(source, files, lines))


def _get_members(
    source: Source,
    files: list[RemoteFile],
    spot: Path,
    wanted: Callable[[str], bool],
    progress: Callable[[int, int], object],
) -> list[str] | None:
    """Read the wanted members of one large zip where they lie, if they are the smaller part of it.

    Returns:
        Hashes and names; None if the server only gives whole files, or downloading all is as well.
    """
    whole = {whole_name(file.name) for file in files}
    if len(whole) != 1 or not min(whole).endswith(".zip"):
        return None
    if (sum(file.size for file in files) or source.size) < SMALL:
        return None
    with ExitStack() as stack:
        try:
            pieces = stack.enter_context(by_range(sorted(files, key=lambda file: file.name), progress))
            archive = Archive(min(whole), pieces)
            if share_wanted(archive, wanted, source.junk) > WORTH:
                return None
        except EliqBenchError:  # a server without ranges, or what the whole download will say as well
            return None
        (spot / "members").mkdir(parents=True, exist_ok=True)
        return _listed(spot / "members", unpack(archive, spot / "members", wanted, source.junk, resume=True))


def _listed(folder: Path, names: list[str]) -> list[str]:
    return [f"{digest_of(folder / name, 'sha256')}  {name}" for name in names]


def _record(source: Source, files: list[RemoteFile], lines: list[str]) -> dict[str, Any]:
    return {
        "from": place(source),
        "kind": source.kind,
        "revision": source.revision,
        "date": f"{date.today()}",
        "files": len(lines),
        "bytes": sum(file.size for file in files) or None,
        "members_sha256": hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest(),
    }


def _remembered(card: DatasetCard) -> Path:
    return cache_dir() / "fetched" / f"{card.name}.json"


def _compared(card: DatasetCard, record: dict[str, Any]) -> dict[str, Any]:
    """The record of a source, if what it gave is what it gave the first time.

    Raises:
        EliqBenchError: it is not.
    """
    before = _read_json(_remembered(card)).get(record["from"])
    if before and before["members_sha256"] != record["members_sha256"]:
        raise EliqBenchError(
            f"it gives other files than on {before['date']} (remove {_remembered(card)} if that is as it should be)"
        )
    return record


def _remember(card: DatasetCard, records: list[dict[str, Any]]) -> None:
    path = _remembered(card)
    with locked(path.parent):
        known = {record["from"]: record for record in records} | _read_json(path)
        text = json.dumps(known, indent=1) + "\n"
        write_whole(path, lambda target: target.write_text(text, encoding="utf-8"), AGAIN)


def _wanted_of(card: DatasetCard, places: Iterable[Path], members: tuple[str, ...] = ()) -> Callable[[str], bool]:
    """Whether a file is wanted, by its name: a label file, or an image, of the labels if these are in a place.

    Label files of cards that share the folder are wanted too: parts of one set come in one archive.

    Args:
        card: of the catalogue.
        places: folders in which the labels may be.
        members: patterns of paths, one of which must fit; none means all.
    """
    sharing = [other for other in dataset_cards().values() if other.folder == card.folder]
    labels = {name.lower() for one in (card, *sharing) for part in one.labels for name in (part.file, *part.aliases)}
    images = _image_names(card, places)

    def wanted(name: str) -> bool:
        path = PurePosixPath(plain_path(name))
        last = path.name.lower()
        if members and not any(path.match(pattern) for pattern in members):
            return False
        if any(fnmatch.fnmatchcase(last, pattern) for pattern in labels):
            return True
        return last in images if images else is_image_name(last)

    return wanted


def _image_names(card: DatasetCard, places: Iterable[Path]) -> set[str]:
    """Names of all images, without folders and in lower case; none if the labels are in none of the places."""
    for folder in places:
        with suppress(InputError):
            items = load_card(card, [folder], labels_only=True).items
            return {PurePosixPath(plain_path(name)).name.lower() for name in items.name}
    return set()


def _copy_wanted(source: Path, target: Path, wanted: Callable[[str], bool]) -> None:
    for folder, files in file_names(source):
        for name in filter(wanted, files):
            copy = target / folder.relative_to(source) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, copy)


def _is_complete(card: DatasetCard, what: str, folder: Path) -> bool:
    try:
        if what == "labels":
            find_labels(card, [folder])
            return True
        return not _lost(card, folder)
    except InputError:
        return False


def _lost(card: DatasetCard, folder: Path) -> list[str]:
    """Images of the labels that are not in a folder."""
    items = load_card(card, [folder], labels_only=True).items
    found = find_images(items.name, [Place(folder)]).images
    return [name for name, image in zip(items.name, found, strict=True) if image is None]


def _lack(card: DatasetCard, what: str, folder: Path) -> str:
    try:
        if what == "labels":
            find_labels(card, [folder])
        lost = _lost(card, folder)
    except NotHereError:
        return f"it does not hold the {what}"
    except InputError as error:
        return str(error).rstrip(".")
    return f"{len(lost):,} of {card.images:,} images are not in it ({first_names(lost)})"


def _check_room(folder: Path, size: int, card: DatasetCard) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InputError(
            f"{card.name} needs {size / 1e9:.1f} GB, and {folder} has {free / 1e9:.1f} GB free; make room there, or "
            "set ELIQ_BENCH_CACHE to another folder"
        )


def _place(ready: Path, folder: Path) -> None:
    """Move a complete download to its place; what lies there already stays beside it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not folder.exists():
            ready.rename(folder)
            return
        for part in sorted(ready.iterdir(), key=lambda path: path.name == RECORD):
            target = folder / part.name
            if target.is_dir():
                shutil.rmtree(target)
            part.replace(target)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}); {AGAIN}.") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _silent(*_: object) -> None:
    pass
