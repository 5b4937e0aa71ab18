"""Where the checkpoint of a critic is; imports no torch, so that a wrong place is refused at once."""

from pathlib import Path

from eliq_bench.errors import InputError
from eliq_bench.io.hub import fetch_file, path_or_repository

CHECKPOINT_FILE = "critic.safetensors"


def locate(given: str, offline: bool = False) -> Path:
    """The file of a checkpoint: a path, or the id of a repository on the Hub, with `@revision` or not.

    Args:
        given: the path or the id; a folder is that of its `critic.safetensors`.
        offline: open no connection; a repository is then looked for in the Hub's cache alone.

    Raises:
        InputError: neither a path nor an available repository.
    """
    if not given:
        raise InputError("No critic is named behind `eliq:`; write eliq:PATH or eliq:OWNER/REPOSITORY.")
    found = path_or_repository("critic", given)
    if isinstance(found, Path):
        return found / CHECKPOINT_FILE if found.is_dir() else found
    return fetch_file(found, CHECKPOINT_FILE, offline)
