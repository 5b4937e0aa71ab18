"""A critic on disk: one safetensors file with the weights of its heads and, as metadata, its card."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.locate import CHECKPOINT_FILE as CHECKPOINT_FILE
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.errors import EliqBenchError, InputError, first_line
from eliq_bench.io.write import write_whole

GOOD, BAD = 75.0, 25.0
"""Calibrated scores of the median positive and of the median severe negative of the held-out pairs; our choice."""


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

    If the median of `good` is not the higher one, the slope falls back to the standard deviation of all scores: the
    scale then means little, and the order of the scores does not change.
    """
    upper, lower = float(np.median(good)), float(np.median(bad))
    reach = np.log(GOOD / (100 - GOOD)) - np.log(BAD / (100 - BAD))
    gap = upper - lower
    if gap <= 0:
        gap = float(np.std([*good, *bad])) or 1.0
    return Calibration(centre=(upper + lower) / 2, slope=float(reach) / gap)


SCHEMA_VERSION = 1
KEY = "eliq-bench.critic"


PRIOR_WEIGHT, STORED_PRIOR_WEIGHT = "prior_weight.", "trust."
"""Prefix of the weights of the prior in the network, and in every file of schema version 1."""


class TrainingProvenance(BaseModel):
    """The pairs that a critic was trained on; a field that another program did not write is None."""

    model_config = ConfigDict(frozen=True, extra="allow")

    manifest_sha256: str | None = None
    train_pairs: int | None = None
    held_out_pairs: int | None = None
    positives: int | None = None
    generators: int | None = None
    human_labels: str | None = None
    continued_from_sha256: str | None = None
    """Of the checkpoint that training started from."""


class HeldOutMode(NamedTuple):
    """Held-out pairs of one mode on one dimension."""

    dimension: Dimension
    cell: str
    mode: str

    def __str__(self) -> str:
        return f"{self.dimension}:{self.cell}/{self.mode}"


def _parse_modes(values: dict[Any, float]) -> dict[Any, float]:
    """Keys such as `quality:conventional/technical/banding` as `HeldOutMode`."""
    return {_parse_mode(key) if isinstance(key, str) else key: value for key, value in values.items()}


def _parse_mode(text: str) -> HeldOutMode:
    dimension, _, rest = text.partition(":")
    cell, _, mode = rest.rpartition("/")
    return HeldOutMode(dimension, cell, mode)  # type: ignore[arg-type]  # pydantic validates it next


class ReferenceStatistics(BaseModel):
    """Distribution of the training positives at the input of one head (D channels), see `training.drift_distance`."""

    model_config = ConfigDict(frozen=True)

    mean: tuple[float, ...]
    """(D,)."""
    deviation: tuple[float, ...]
    """(D,)."""
    noise: float
    """Expected squared distance of a sample of this size from its own source."""
    chance_level: float
    """Below it lie 95 % of the distances between random halves of the images."""


def _parse_references(values: dict[str, Any]) -> dict[str, Any]:
    """Lists named `dimension.what`, as they are stored, as one record per dimension."""
    dimensions = dict.fromkeys(key.split(".")[0] for key in values if "." in key)
    stored = {
        name: ReferenceStatistics(
            mean=values[f"{name}.mean"],
            deviation=values[f"{name}.deviation"],
            noise=values[f"{name}.noise"][0],
            chance_level=values[f"{name}.halves"][0],
        )
        for name in dimensions
    }
    return stored or values


def _flatten_references(values: dict[Dimension, ReferenceStatistics]) -> dict[str, list[float]]:
    flat = {}
    for name, one in values.items():
        flat[f"{name}.mean"], flat[f"{name}.deviation"] = list(one.mean), list(one.deviation)
        flat[f"{name}.noise"], flat[f"{name}.halves"] = [one.noise], [one.chance_level]
    return flat


class CriticCard(BaseModel):
    """Everything that explains the weights of a checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = SCHEMA_VERSION
    recipe: Recipe
    backbone: dict[str, str]
    """Fingerprint of the backbone that it was trained with."""
    dimensions: Annotated[tuple[Dimension, ...], Field(min_length=1)]
    visual_width: int = Field(ge=1, le=65_536)
    semantic_width: int = Field(ge=1, le=65_536)
    calibration: dict[Dimension, Calibration]
    trained_on: TrainingProvenance = TrainingProvenance()
    held_out: Annotated[
        dict[HeldOutMode, float],
        BeforeValidator(_parse_modes),
        PlainSerializer(lambda values: {str(key): value for key, value in values.items()}),
    ] = {}
    """Pairwise accuracy on held-out pairs."""
    tokens: Annotated[
        dict[Dimension, ReferenceStatistics],
        BeforeValidator(_parse_references),
        PlainSerializer(_flatten_references),
    ] = {}
    """Distribution of the training positives, to measure how far new images lie."""


def save(path: Path, network: CriticNetwork, card: CriticCard) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        EliqBenchError: the folder cannot be written.
    """
    tensors = {
        name.replace(PRIOR_WEIGHT, STORED_PRIOR_WEIGHT): value.contiguous()
        for name, value in network.state_dict().items()
    }
    # not by save_file, which lets nobody but the owner read the file
    content = to_bytes(tensors, {KEY: card.model_dump_json(exclude_none=True)})
    write_whole(path, lambda target: target.write_bytes(content), "choose another place")


def load(path: Path) -> tuple[CriticNetwork, CriticCard]:
    """Load the network, in evaluation mode, and its card.

    Args:
        path: a checkpoint, or a folder that holds `critic.safetensors`.

    Raises:
        InputError: no checkpoint of a critic, or one with another schema version.
    """
    file = path / CHECKPOINT_FILE if path.is_dir() else path
    card = read_card(file)
    try:
        with safe_open(file, framework="pt") as content:
            names = content.keys()
            stored = {name.replace(STORED_PRIOR_WEIGHT, PRIOR_WEIGHT): name for name in names}
            _check_sizes(card, {name: tuple(content.get_slice(key).get_shape()) for name, key in stored.items()})
            network = CriticNetwork(card.visual_width, card.semantic_width, card.recipe.network, card.dimensions)
            network.load_state_dict({name: content.get_tensor(key) for name, key in stored.items()})
    except (RuntimeError, TypeError, SafetensorError) as error:
        raise InputError(f"{file} is damaged: its tensors are not those of its card; train it again.") from error
    return network.eval(), card


def _check_sizes(card: CriticCard, shapes: dict[str, tuple[int, ...]]) -> None:
    """Compare the sizes that decide on the memory of a network with those in its file, before it is built."""
    recipe = card.recipe.network
    wanted = {f"queries.{name}": (recipe.queries, recipe.width) for name in card.dimensions} | {
        "fusion.visual.0.weight": (recipe.width, card.visual_width),
        "fusion.semantic.0.weight": (recipe.width, card.semantic_width),
    }
    layers = {name.split(".")[1] for name in shapes if name.startswith("layers.")}
    if len(layers) != recipe.depth or any(shapes.get(name) != shape for name, shape in wanted.items()):
        raise RuntimeError("the file has other sizes than its card")


def read_card(file: Path) -> CriticCard:
    """Read the card of a checkpoint without its weights.

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
        card = json.loads(text)
        version = card["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} holds tensors, but not those of a critic of eliq-bench.") from error
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{file} has schema version {version} where this eliq-bench reads {SCHEMA_VERSION}; train it again "
            "or use the matching eliq-bench."
        )
    try:
        return CriticCard.model_validate(card)
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
        raise EliqBenchError(f"{repository} cannot be pushed ({first_line(error)}); log in and try again.") from error
    return f"{api.endpoint}/{repository}"
