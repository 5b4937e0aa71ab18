"""Where a pipeline of diffusers is, on the Hub or on disk, and how it is called; no weight is loaded."""

import hashlib
import inspect
import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from eliq_bench.errors import InputError
from eliq_bench.io.hub import hub_errors, path_or_repository
from eliq_bench.io.optional import import_diffusers, silence_loggers

PRESETS = Path(__file__).with_name("presets.yaml")
INDEX = "model_index.json"
ENDS = 1 << 20
"""Bytes at either end of a weight file that enter the identity of a local pipeline."""


class Pipeline(NamedTuple):
    """A pipeline on this disk and the defaults of its calls."""

    name: str
    """Id on the Hub, or the name of the local folder; a path would differ between machines."""
    folder: Path
    revision: str
    """Commit on the Hub, or `files-` and a digest of the local files."""
    accepts: frozenset[str]
    """Arguments of a call."""
    steps: int
    guidance: float | None
    """None where the pipeline knows none."""
    guidance_argument: str = "guidance_scale"
    size: tuple[int, int] | None = None
    """(width, height) in pixels; None takes that of the pipeline."""
    dtype: str = "bfloat16"
    """On a GPU; a CPU always computes in float32."""
    extra: tuple[tuple[str, str], ...] = ()
    """Further arguments of every call."""


def locate(given: str, revision: str | None = None) -> Pipeline:
    """Find a pipeline; one of the Hub is downloaded if it is not in the cache.

    Args:
        given: an id on the Hub, or a folder that `save_pretrained` wrote.
        revision: branch, tag or commit on the Hub; None takes the newest.

    Raises:
        InputError: not found, not a pipeline of diffusers, or diffusers is missing.
    """
    diffusers = import_diffusers()
    source = path_or_repository("pipeline", given, revision)
    if isinstance(source, Path):
        if revision:
            raise InputError(f"--revision {revision} is for pipelines of the Hub; {given} is a folder.")
        folder, name, commit = source, source.resolve().name, _files_digest(source)
    else:
        with hub_errors(source), silence_loggers():
            folder = Path(diffusers.DiffusionPipeline.download(source.name, revision=source.revision))
        name, commit = source.name, folder.name
    accepts = _arguments(diffusers, folder, given)
    return Pipeline(name, folder, commit, frozenset(accepts), **_calling(name, accepts))


def preset(name: str) -> dict[str, Any]:
    """How a pipeline is called, fields of `Pipeline`; empty for one that takes the defaults of its class."""
    calling: dict[str, Any] = yaml.safe_load(PRESETS.read_text(encoding="utf-8")).get(name, {})
    return calling


def _arguments(diffusers: Any, folder: Path, given: str) -> dict[str, Any]:
    """Argument to default of a call of the pipeline's class."""
    try:
        kind = json.loads((folder / INDEX).read_text(encoding="utf-8"))["_class_name"]
        call = getattr(diffusers, kind).__call__
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(
            f"{given} is no pipeline that diffusers {diffusers.__version__} knows: its {INDEX} is missing or "
            "names no class."
        ) from error
    arguments = {name: value.default for name, value in inspect.signature(call).parameters.items()}
    missing = {"prompt", "num_inference_steps", "generator"} - arguments.keys()
    if missing:
        raise InputError(
            f"The pipeline {given} ({kind}) draws nothing from a prompt: it takes no {min(missing)}."
        )
    return arguments


def _calling(name: str, accepts: dict[str, Any]) -> dict[str, Any]:
    calling: dict[str, Any] = {
        "steps": accepts["num_inference_steps"],
        "guidance": accepts.get("guidance_scale"),
        **preset(name),
    }
    if "size" in calling:
        calling["size"] = tuple(calling["size"])
    calling["extra"] = tuple(sorted(calling.get("extra", {}).items()))
    return calling


def _files_digest(folder: Path) -> str:
    """Identity of local files: their names and sizes, and the first and last MiB of each."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        size = path.stat().st_size
        total.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
        with path.open("rb") as file:
            total.update(file.read(ENDS))
            file.seek(max(0, size - ENDS))
            total.update(file.read(ENDS))
    return f"files-{total.hexdigest()[:16]}"
