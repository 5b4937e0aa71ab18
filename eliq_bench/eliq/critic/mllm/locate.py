"""Where a model's files are, and what identifies them."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from eliq_bench.errors import InputError
from eliq_bench.io.hub import fetch_folder, path_or_repository

NEEDED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"]
"""Files that are taken from the hub: weights, configurations and vocabularies, no code."""
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


class ModelFiles(NamedTuple):
    """The files of a model, on this machine."""

    folder: Path
    identity: dict[str, str]
    """`model` and `revision` of the hub; for a local folder `weights`, the sha256 of its files."""


def locate(model: str, revision: str | None) -> ModelFiles:
    """Find a model in a local folder or on the hub, from which it is downloaded unless it is in the cache.

    Raises:
        InputError: neither here nor reachable, or the hub has no such model or revision.
    """
    found = path_or_repository("model", model, revision)
    if isinstance(found, Path):
        return ModelFiles(found, {"weights": content_hash(found, NEEDED)})
    folder = fetch_folder(found, NEEDED)
    return ModelFiles(folder, {"model": found.name, "revision": folder.name})


def adapter_hash(folder: Path) -> str:
    """The sha256 of an adapter: its weights and its configuration.

    Raises:
        InputError: the folder holds no adapter.
    """
    missing = [name for name in ADAPTER_FILES if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder} is no LoRA adapter, {missing[0]} is missing; make one with `eliq-bench train-mllm`."
        )
    return content_hash(folder, list(ADAPTER_FILES))


def content_hash(folder: Path, patterns: list[str]) -> str:
    """The sha256 over names and contents of the files of a folder that match a pattern."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
