"""Where a model's files are, and what identifies them."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from eliq_bench.errors import InputError, first_line

NEEDED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"]
"""Files that are taken from the hub: weights, configurations and vocabularies, no code."""
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


class Located(NamedTuple):
    """The files of a model, on this machine."""

    folder: Path
    identity: dict[str, str]
    """`model` and `revision` of the hub; for a local folder `weights`, the sha256 of its files."""


def locate(model: str, revision: str | None) -> Located:
    """Find a model in a local folder or on the hub, from which it is downloaded unless it is in the cache.

    Raises:
        InputError: neither here nor reachable, or the hub has no such model or revision.
    """
    if Path(model).is_dir():
        return Located(Path(model), {"weights": content_hash(Path(model), NEEDED)})
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = Path(snapshot_download(model, revision=revision, allow_patterns=NEEDED))
    except HFValidationError as error:
        raise InputError(f"{model} is neither a folder here nor the id of a model on the hub.") from error
    except (OSError, ValueError) as error:  # what the hub's client raises: no network, no model, no access
        reason = first_line(error)
        raise InputError(
            f"The model {model} (revision {revision or 'main'}) is not on this machine and cannot be downloaded "
            f"({reason}); run `hf download {model}` where there is a network, or give a local folder as its id."
        ) from error
    return Located(folder, {"model": model, "revision": folder.name})


def adapter_hash(folder: Path) -> str:
    """The sha256 of an adapter: its weights and its configuration.

    Raises:
        InputError: the folder holds no adapter.
    """
    missing = [name for name in ADAPTER_FILES if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder} is no LoRA adapter, {missing[0]} is missing; make one with `eliq-bench instruct`."
        )
    return content_hash(folder, list(ADAPTER_FILES))


def content_hash(folder: Path, patterns: list[str]) -> str:
    """The sha256 over names and contents of the files of a folder that match a pattern."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
