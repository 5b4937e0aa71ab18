"""Files of the Hugging Face Hub: what is a repository, getting its files, and one sentence for each way to fail."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eliq_bench.errors import InputError, first_line

NOT_WHOLE = "{name} on the Hub is no {what} as it is needed here, a file of it is missing ({reason}); choose another."
ERRORS = {
    "HFValidationError": "{name} is no id of a repository on the Hub, like OWNER/NAME; correct the path or the id.",
    # Before the next: the Hub's client counts a gated repository as one that was not found.
    "GatedRepoError": (
        "The {what} {name} is gated: ask for access at https://huggingface.co/{name}, then log in with `hf auth login` "
        "and start again."
    ),
    "RepositoryNotFoundError": (
        "The Hub has no {what} {name} that you may see; correct the id, or log in with `hf auth login` if it is "
        "private."
    ),
    "RevisionNotFoundError": (
        "The {what} {name} has no revision {revision} on the Hub; give a branch, tag or commit of it."
    ),
    "DisabledRepoError": "The Hub has disabled the {what} {name}; choose another.",
    "RemoteEntryNotFoundError": NOT_WHOLE,
    "OfflineModeIsEnabled": (
        "The {what} {name} is not on this machine (offline); run `{command}` where there is a network, or leave "
        "--offline away and unset HF_HUB_OFFLINE."
    ),
    "disk full": (
        "The disk is full, the {what} {name} cannot be downloaded; make room, or name another folder in HF_HOME."
    ),
    "PermissionError": (
        "The {what} {name} cannot be written into the Hub's cache ({reason}); name a folder of yours in HF_HOME."
    ),
    "status 401": "The Hub does not accept your token ({reason}); log in again with `hf auth login`.",
    "status 403": "The Hub does not let you have the {what} {name} ({reason}); log in with a token that may read it.",
    "status 429": "The Hub has had too many requests from here ({reason}); start again later, or log in first.",
    # A local entry is sought when the Hub does not answer.
    "LocalEntryNotFoundError": (
        "The {what} {name} is not on this machine and cannot be downloaded from the Hub ({reason}); see that there is "
        "a network and start again, or run `{command}` where there is one."
    ),
    "EntryNotFoundError": NOT_WHOLE,  # of the Hub's client before version 1
}
"""What went wrong, by the name of an exception of the Hub's client or of one of its base classes, to the sentence to
show; the first entry that is anywhere among the causes counts."""


@dataclass(frozen=True)
class Repository:
    """A repository on the Hub."""

    what: str
    """What it is wanted as, for sentences: critic, model, pipeline."""
    name: str
    """OWNER/NAME."""
    revision: str | None = None
    """Branch, tag or commit; None for the newest."""


def path_or_repository(what: str, given: str, revision: str | None = None) -> Path | Repository:
    """The path that a user has given if it is there, otherwise the repository: `OWNER/NAME` or `OWNER/NAME@REVISION`.

    Args:
        what: is wanted, for sentences: critic, model, pipeline.
        given: by the user.
        revision: of a repository, if it is given apart.

    Raises:
        InputError: neither a path nor the id of a repository.
    """
    path = Path(given).expanduser()
    if path.exists():
        return path
    name, _, behind = given.partition("@")
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name, re.ASCII):
        raise InputError(
            f"{given} is neither a file, nor a folder, nor a {what} on the Hub like OWNER/NAME; correct the path or "
            "the id."
        )
    return Repository(what, name, revision or behind or None)


def fetch_file(repository: Repository, file: str, offline: bool = False) -> Path:
    """A file of a repository, downloaded unless it is in the Hub's cache.

    Args:
        repository: which one.
        file: which one of it.
        offline: open no connection; what is not in the cache is an error.

    Raises:
        InputError: it is not available; the sentence says why and what to do.
    """
    if offline:
        # The Hub's client of version 2 opens a connection even where it is told to use local files only.
        found = cached_file(repository, file)
        if found is None:
            raise InputError(_filled(ERRORS["OfflineModeIsEnabled"], repository, file))
        return found
    from huggingface_hub import hf_hub_download

    with hub_errors(repository, file):
        return Path(hf_hub_download(repository.name, file, revision=repository.revision))


def fetch_folder(repository: Repository, allow: list[str] | None = None, ignore: list[str] | None = None) -> Path:
    """The folder of the files of a repository, named after its commit; downloaded unless they are in the Hub's cache.

    Args:
        repository: which one.
        allow: patterns of the files to take; None takes all.
        ignore: patterns of the files to leave.

    Raises:
        InputError: it is not available; the sentence says why and what to do.
    """
    from huggingface_hub import snapshot_download

    with hub_errors(repository):
        folder = snapshot_download(
            repository.name, revision=repository.revision, allow_patterns=allow, ignore_patterns=ignore
        )
    return Path(folder)


def cached_file(repository: Repository, file: str) -> Path | None:
    """A file of a repository in the Hub's cache; opens no connection.

    Raises:
        InputError: the id is none of a repository.
    """
    from huggingface_hub import try_to_load_from_cache

    with hub_errors(repository, file):
        found = try_to_load_from_cache(repository.name, file, revision=repository.revision)
    return Path(found) if isinstance(found, str) else None


@contextmanager
def hub_errors(repository: Repository, file: str | None = None) -> Iterator[None]:
    """Turn what the Hub's client, or a library above it, raises in this context into one sentence.

    Raises:
        InputError: something was raised.
    """
    try:
        yield
    except Exception as error:  # network, disk and Hub fail in many ways, each with classes of its own
        found = {kind for cause in _causes(error) for kind in _kinds(cause)}
        known = (sentence for kind, sentence in ERRORS.items() if kind in found)
        sentence = next(known, ERRORS["LocalEntryNotFoundError"])
        raise InputError(_filled(sentence, repository, file, error)) from error


def _filled(sentence: str, repository: Repository, file: str | None, error: Exception | None = None) -> str:
    revision = f" --revision {repository.revision}" if repository.revision else ""
    *_, cause = _causes(error or Exception())
    return sentence.format(
        what=repository.what,
        name=repository.name,
        revision=repository.revision or "main",
        reason=first_line(cause),
        command=f"hf download {repository.name}{f' {file}' if file else ''}{revision}",
    )


def _kinds(error: BaseException) -> Iterator[str]:
    """Keys of `ERRORS` that fit an error, and others."""
    yield from (kind.__name__ for kind in type(error).__mro__)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        yield "disk full"
    yield f"status {getattr(getattr(error, 'response', None), 'status_code', None)}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
