"""Where parameter files are: found, missing, downloaded, and identified for the fingerprint.

A file is looked for in `ELIQ_BENCH_WEIGHTS` (a folder, flat) and then where the library that loads it would
look, as named by `cache` on its card:

- `torch-hub/pyiqa`, `torch-hub/checkpoints`: below torch's home (`TORCH_HOME`),
- `clip`: `~/.cache/clip`,
- `package`: in this package, beside the code,
- an absolute path: the folder of a checkpoint that the user named,
- `huggingface`: the hub's cache; `file` is then a repository id, identified by its commit.
"""

import atexit
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from eliq_bench.cards import ModelCard, WeightFile
from eliq_bench.errors import EliqBenchError, InputError, first_line
from eliq_bench.io.download import RemoteFile, download_all
from eliq_bench.io.files import sha256_of
from eliq_bench.io.hub import Repository, fetch_folder
from eliq_bench.io.optional import installed
from eliq_bench.io.write import locked, scratch_folder
from eliq_bench.types import Fingerprint, Progress

OTHER_FORMATS = ["*.msgpack", "*.h5", "*.onnx", "*.ot", "*.tflite"]
"""Files of a hub repository that PyTorch does not read."""

_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[^.]+$")
"""The first digits of the file's sha256, as torch.hub.load_state_dict_from_url(check_hash=True) reads them."""

HUB = "https://huggingface.co"

ONLY_WEIGHTS = {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "0"}
"""Variables that keep `torch.load` from unpickling code, whatever a library passes to it (torch.serialization)."""

SHIPPED = Path(__file__).parent.parent / "eliq/shipped"
"""Weights that are part of this package."""


def torch_hub() -> Path:
    """Torch hub's folder, as `torch.hub.get_dir` gives it, without importing torch."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    return Path(os.environ.get("TORCH_HOME", cache / "torch")).expanduser() / "hub"


def user_folder() -> Path | None:
    """The folder named by `ELIQ_BENCH_WEIGHTS`, None if it is not set."""
    folder = os.environ.get("ELIQ_BENCH_WEIGHTS")
    return Path(folder).expanduser() if folder else None


def cache_folder(weight: WeightFile) -> Path:
    """The folder in which the library that loads this file looks for it."""
    if weight.cache == "package":
        return SHIPPED
    if Path(weight.cache).is_absolute():
        return Path(weight.cache)
    if weight.cache == "clip":
        return Path("~/.cache/clip").expanduser()
    if weight.cache == "huggingface":
        from huggingface_hub.constants import HF_HUB_CACHE

        return Path(HF_HUB_CACHE) / f"models--{weight.file.replace('/', '--')}"
    return torch_hub() / weight.cache.removeprefix("torch-hub/")


def find(weight: WeightFile) -> Path | None:
    """The file, or for a hub repository its newest snapshot folder; None if it is not on this machine."""
    if weight.cache == "huggingface":
        snapshots = sorted(cache_folder(weight).glob("snapshots/*"), key=lambda path: path.stat().st_mtime)
        return snapshots[-1] if snapshots else None
    folders = [folder for folder in (user_folder(), cache_folder(weight)) if folder is not None]
    return next((folder / weight.file for folder in folders if (folder / weight.file).is_file()), None)


def missing(card: ModelCard) -> list[WeightFile]:
    """The files of a model that are not on this machine."""
    return [weight for weight in card.weights if find(weight) is None]


def absence(card: ModelCard) -> str:
    """A sentence about the weights of a model that are not on this machine."""
    lost = missing(card)
    size = sum(weight.size for weight in lost)
    about = f" ({size / 1e6:,.1f} MB)" if size else ""
    return (
        f"{card.name} needs {' and '.join(weight.file for weight in lost)}{about}, not on this machine; "
        f"`eliq-bench fetch model:{card.name}` downloads it where there is a network."
    )


def require(card: ModelCard, offline: bool, progress: Progress | None = None) -> None:
    """Make sure that all weights of a model are here, downloading them unless `offline`.

    Raises:
        EliqBenchError: a file is missing and not available; the sentence names it, its place and its page.
    """
    for weight in missing(card):
        place = cache_folder(weight)
        where = (
            "" if weight.cache == "huggingface" else f" or in the folder named by ELIQ_BENCH_WEIGHTS ({weight.file})"
        )
        advice = f"put it at {place if not where else place / weight.file}{where}" + (
            f"; it is published at {weight.url}" if weight.url else ""
        )
        if offline:
            raise EliqBenchError(f"{card.name} needs {weight.file}, which is not on this machine (offline): {advice}.")
        try:
            _download(weight, progress)
        except Exception as error:  # network, disk and hub fail in many ways; the advice is the same
            raise EliqBenchError(
                f"{card.name} needs {weight.file}, and its download failed ({first_line(error)}): {advice}."
            ) from error


@cache
def _home() -> Path:
    """A throw-away home folder of this process; one for all models, since libraries remember its path."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(scratch_folder())


@contextmanager
def view(card: ModelCard) -> Iterator[Path]:
    """A home folder in which the libraries see exactly the files that `find` found.

    The score of a model is filed under the sha256 of these files, so no other copy may be loaded. While the
    context lasts, `HOME` and `TORCH_HOME` point into the folder; it holds links, no copies. `torch.load` executes
    nothing that a file asks for, see `ONLY_WEIGHTS`.
    """
    home = _home()
    for weight in card.weights:
        path = find(weight)
        if path is None or weight.cache == "huggingface":
            continue
        library = weight.cache if weight.cache == "clip" else f"torch/{weight.cache.replace('torch-hub', 'hub')}"
        link = home / ".cache" / library / weight.file
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())
    ours = {"HOME": str(home), "TORCH_HOME": str(home / ".cache/torch"), **ONLY_WEIGHTS}
    before = {key: os.environ.get(key) for key in ours}
    os.environ.update(ours)
    try:
        yield home
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def identify(card: ModelCard, trust: bool = False) -> tuple[tuple[str, str], ...]:
    """(file, sha256 of its bytes) of every weight; for a hub repository (id, commit).

    Args:
        card: of the model.
        trust: accept files for which neither the card nor the file name has a hash.

    Raises:
        EliqBenchError: a file is missing, or has another hash than the card or its own name says.
        InputError: nothing says which hash a file should have, and it is not trusted.
    """
    identified: list[tuple[str, str]] = []
    for weight in card.weights:
        path = find(weight)
        if path is None:
            raise EliqBenchError(f"{card.name} needs {weight.file}, which is not on this machine.")
        digest = path.name if path.is_dir() else sha256_of(path)
        if path.is_file():
            _check_hash(card, weight, path, digest, trust)
        identified.append((weight.file, digest))
    return tuple(identified)


def _check_hash(card: ModelCard, weight: WeightFile, path: Path, digest: str, trust: bool) -> None:
    if digest in weight.also_known:
        return
    named = _HASH_IN_NAME.search(weight.file)
    expected = weight.sha256 or (named[1] if named else "")
    if expected and not digest.startswith(expected):
        raise EliqBenchError(
            f"{path} is not the {weight.file} that {card.name} expects (sha256 {digest[:16]}, "
            f"not {expected[:16]}); remove it or replace it."
        )
    # What ships with the code is as trustworthy as the code; a checkpoint named by its path is safetensors.
    ours = weight.cache == "package" or Path(weight.cache).is_absolute()
    if not (expected or ours or trust):
        raise InputError(
            f"{card.name} needs {weight.file}, and nothing tells whether {path} is the right one (sha256 {digest}); "
            "compare it with its source, then repeat the command with --trust-weights (Settings(trust_weights=True))."
        )


def _download(weight: WeightFile, progress: Progress | None) -> None:
    if weight.cache == "huggingface":
        fetch_folder(Repository("model", weight.file), ignore=OTHER_FORMATS)
        return
    if not weight.url:
        raise EliqBenchError("no download address is known")
    url = weight.url.replace(HUB, os.environ.get("HF_ENDPOINT", HUB).rstrip("/"), 1)
    remote = RemoteFile(url, weight.file, digest=f"sha256:{weight.sha256}" if weight.sha256 else "")
    folder = cache_folder(weight)
    with locked(folder):  # another process may be at the same file
        if find(weight) is None:
            download_all([remote], folder, lambda done, total: progress and progress(weight.file, done, total))


DECODER = "pillow-1"
"""How images reach a model (runner/decode.py); raise the number when decoded pixels change."""


def fingerprint(card: ModelCard, options: dict[str, Any], dtype: str, trust_weights: bool = False) -> Fingerprint:
    """What identifies a model with these options in this precision; `trust_weights` accepts files without a known hash.

    Raises:
        EliqBenchError: a weight file is missing or is not the one on the card, see `identify`.
    """
    return Fingerprint(
        model=card.name,
        version=card.version,
        weights=identify(card, trust_weights),
        options=tuple((key, json.dumps(options[key])) for key in sorted(options))
        + ((("threads", str(machine_threads())),) if card.thread_dependent else ()),
        packages=tuple((name, installed(name)) for name in card.packages),
        dtype=dtype,
        decoder=DECODER,
    )


def machine_threads() -> int:
    """Threads that a library takes here if nobody limits it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
