"""A critic on disk: one safetensors file with the weights of its heads and, as metadata, all that explains them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.locate import CHECKPOINT_FILE as CHECKPOINT_FILE
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.errors import EliqBenchError, InputError, first_line

GOOD, BAD = 75.0, 25.0
"""Where the median positive and the median severe negative of the held-out pairs come to lie; our choice."""


class Calibration(BaseModel):
    """Score = 100 / (1 + exp(-slope * (raw - centre))), strictly rising."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    centre: float
    slope: float

    def __call__(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of raw values, same shape, in (0, 100)."""
        return np.asarray(100 / (1 + np.exp(-self.slope * (raw - self.centre))), dtype=np.float64)


def fit_calibration(good: Sequence[float], bad: Sequence[float]) -> Calibration:
    """Put the median of raw scores `good` at 75 and that of `bad` at 25.

    Where the medians do not differ in the right order, the slope falls back to the spread of all scores: the scale
    then says little, and the order of the scores stays what it is.
    """
    upper, lower = float(np.median(good)), float(np.median(bad))
    reach = np.log(GOOD / (100 - GOOD)) - np.log(BAD / (100 - BAD))
    gap = upper - lower
    if gap <= 0:
        gap = float(np.std([*good, *bad])) or 1.0
    return Calibration(centre=(upper + lower) / 2, slope=float(reach) / gap)


SCHEMA_VERSION = 1
KEY = "eliq-bench.critic"


class CriticCard(BaseModel):
    """What a checkpoint says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = SCHEMA_VERSION
    recipe: Recipe
    backbone: dict[str, str]
    """Fingerprint of the backbone whose tokens it learnt on."""
    dimensions: tuple[Dimension, ...]
    visual_width: int
    semantic_width: int
    calibration: dict[Dimension, Calibration]
    trained_on: dict[str, Any] = {}
    """Manifest's hash, numbers of pairs, sources of the images and their licences; never a label."""
    held_out: dict[str, float] = {}
    """Pair accuracy by dimension, cell and mode on held-out pairs."""
    tokens: dict[str, list[float]] = {}
    """Mean and deviation of pooled features of the training positives, to tell how far new images lie."""


def save(path: Path, network: CriticNetwork, card: CriticCard) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        EliqBenchError: the folder cannot be written.
    """
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # not by save_file, which lets nobody but the owner read the file
        partial.write_bytes(to_bytes(tensors, {KEY: card.model_dump_json()}))
        partial.replace(path)
    except OSError as error:
        raise EliqBenchError(f"{path} cannot be written ({error}); choose another place.") from error


def load(path: Path) -> tuple[CriticNetwork, CriticCard]:
    """Network in evaluation mode, and its card.

    Args:
        path: a checkpoint, or a folder that holds `critic.safetensors`.

    Raises:
        InputError: no checkpoint of a critic, or one of another schema version.
    """
    file = path / CHECKPOINT_FILE if path.is_dir() else path
    card = read_card(file)
    network = CriticNetwork(card.visual_width, card.semantic_width, card.recipe.network, card.dimensions)
    with safe_open(file, framework="pt") as content:
        network.load_state_dict({name: content.get_tensor(name) for name in content.keys()})  # noqa: SIM118
    return network.eval(), card


def read_card(file: Path) -> CriticCard:
    """What a checkpoint says of itself, without its weights.

    Raises:
        InputError: as `load`.
    """
    try:
        with safe_open(file, framework="pt") as content:
            text = (content.metadata() or {}).get(KEY, "")
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{file} is not a readable checkpoint of a critic; train one with `eliq-bench train`."
        ) from error
    try:
        found = json.loads(text)
        version = found["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} holds tensors, but not those of a critic of eliq-bench.") from error
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{file} has schema version {version} where this eliq-bench reads {SCHEMA_VERSION}; train it again "
            "or use the matching eliq-bench."
        )
    try:
        return CriticCard.model_validate(found)
    except ValidationError as error:
        raise InputError(f"{file} has a damaged card: {error.errors()[0]['msg']}.") from error


def push(path: Path, repository: str, private: bool = False) -> str:
    """Upload a checkpoint to a hub repository; returns its address.

    Raises:
        EliqBenchError: the hub refused or cannot be reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    load(path)
    file = path / CHECKPOINT_FILE if path.is_dir() else path
    api = HfApi()
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        api.upload_file(path_or_fileobj=file, path_in_repo=CHECKPOINT_FILE, repo_id=repository)
    except (HfHubHTTPError, OSError) as error:
        raise EliqBenchError(
            f"{repository} cannot be pushed ({first_line(error)}); log in and try again."
        ) from error
    return f"{api.endpoint}/{repository}"
