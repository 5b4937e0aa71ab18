"""From names on a command line to what a run has to compute: models ready to run, tasks minus what is stored."""

import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from eliq_bench.cards import ModelCard
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.files import sha256_of
from eliq_bench.io.optional import installed
from eliq_bench.models.weights import fingerprint, require
from eliq_bench.registry import merge_options, model_card
from eliq_bench.runner.store import ScoreRow, ScoreStore, prompt_key
from eliq_bench.types import Dataset, Fingerprint, ImageSource, VirtualImage
from eliq_bench.vocabulary import RunProtocol


@dataclass(frozen=True)
class ModelSpec:
    """A model as this run uses it: all that a worker needs to build it."""

    card: ModelCard
    options: dict[str, Any]
    device: str
    dtype: str
    fingerprint: Fingerprint
    protocol: RunProtocol = "zero-shot"
    """`probe` asks its scorer for features, `zero-shot` for scores."""

    def prompt(self, prompt: str | None) -> str | None:
        """The prompt as this model reads it: None if it reads none."""
        return (prompt or "") if self.card.needs_prompt else None

    def lacks_prompt(self, prompt: str | None) -> bool:
        """Whether this model has no score for an item with this prompt."""
        return self.card.needs_prompt and not self.card.prompt_optional and not prompt


class Want(NamedTuple):
    """A score to compute: position of the model in the run's list, and the prompt if the model reads one."""

    model: int
    prompt: str | None


@dataclass(frozen=True)
class Task:
    """Everything to compute on one image content, so that it is decoded once."""

    image: str
    path: ImageSource
    wants: tuple[Want, ...]


@dataclass
class Plan:
    """Tasks, and per model how many scores are wanted and how many of them the store has."""

    tasks: list[Task] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)

    @property
    def to_compute(self) -> int:
        """Number of scores that are missing."""
        return sum(self.wanted) - sum(self.stored)


def hash_images(paths: Iterable[ImageSource]) -> dict[ImageSource, str]:
    """sha256 of the bytes of each file; a file that cannot be read is left out.

    A virtual image has the hash of its pixels already, which is held against them before it is scored.
    """

    def attempt(path: ImageSource) -> str:
        if isinstance(path, VirtualImage):
            return path.pixels
        try:
            return sha256_of(path)
        except OSError:
            return ""

    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(max_workers=min(8, 2 * (os.cpu_count() or 1))) as pool:
        digests = pool.map(attempt, unique)
        return {path: digest for path, digest in zip(unique, digests, strict=True) if digest}


def make_plan(
    datasets: list[Dataset], hashes: dict[ImageSource, str], specs: list[ModelSpec], store: ScoreStore
) -> Plan:
    """The tasks of a run, in the order of the datasets.

    A stored score counts whatever its status, unless it is `error`: an undefined score stays undefined, a
    failure is tried again.
    """
    plan = Plan()
    wants: dict[str, dict[Want, None]] = {}
    paths: dict[str, ImageSource] = {}
    for position, spec in enumerate(specs):
        known = store.rows(spec.fingerprint.digest)
        wanted = _wanted(datasets, hashes, spec, paths)
        absent = [key for key in wanted if not _is_stored(known, spec, *key)]
        plan.wanted.append(len(wanted))
        plan.stored.append(len(wanted) - len(absent))
        for image, prompt in absent:
            wants.setdefault(image, {})[Want(position, prompt)] = None
    plan.tasks = [Task(image, path, tuple(wants[image])) for image, path in paths.items() if image in wants]
    return plan


def _wanted(
    datasets: list[Dataset], hashes: dict[ImageSource, str], spec: ModelSpec, paths: dict[str, ImageSource]
) -> dict[tuple[str, str | None], None]:
    """The (image, prompt) keys of one model, in order; remembers one path per image."""
    wanted: dict[tuple[str, str | None], None] = {}
    for dataset in datasets:
        for path, prompt in zip(dataset.items.image, dataset.items.prompt, strict=True):
            if path is None or path not in hashes:
                continue
            if spec.lacks_prompt(prompt):
                continue  # the item is reported as undefined when results are put together
            paths.setdefault(hashes[path], path)
            wanted[hashes[path], spec.prompt(prompt)] = None
    return wanted


def _is_stored(known: dict[tuple[str, str, str], ScoreRow], spec: ModelSpec, image: str, prompt: str | None) -> bool:
    rows = (known.get((image, prompt_key(prompt), dimension)) for dimension in spec.card.dimensions)
    return all(row is not None and row.status != "error" for row in rows)


ModelOptions = Mapping[str, Mapping[str, Any]]
"""Changed options by model name."""


def parse_options(arguments: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Options from arguments such as `clipiqa.backbone=RN50`; values are read as JSON, else as text.

    Raises:
        InputError: an argument is not of this form.

    >>> parse_options(["niqe.test_y_channel=false", "clipiqa.backbone=RN50"])
    {'niqe': {'test_y_channel': False}, 'clipiqa': {'backbone': 'RN50'}}
    """
    options: dict[str, dict[str, Any]] = {}
    for argument in arguments:
        path, equals, text = argument.partition("=")
        model, dot, key = path.rpartition(".")
        if not (equals and dot and model and key):
            raise InputError(f"{argument!r} is no model option; write MODEL.OPTION=VALUE.")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        options.setdefault(model, {})[key] = value
    return options


def choose(names: list[str], options: ModelOptions, offline: bool = False) -> list[tuple[ModelCard, dict[str, Any]]]:
    """Cards and complete options of the named models, each once; `offline` fetches no checkpoint from a hub.

    Raises:
        InputError: an unknown model or option, or options for a model that was not named.
    """
    for name in options:
        if name not in names:
            raise InputError(f"Options are given for {name}, which is not among the models of this run.")
    cards = [model_card(name, offline) for name in dict.fromkeys(names)]
    return [(card, merge_options(card, dict(options.get(card.name, {})))) for card in cards]


def make_spec(
    card: ModelCard,
    options: dict[str, Any],
    device: str,
    dtype: str | None,
    offline: bool,
    protocol: RunProtocol = "zero-shot",
    trust_weights: bool = False,
) -> ModelSpec:
    """A model ready to run, its weights on this machine.

    A model that does not offer `dtype` keeps its own precision; the spec says which it is.

    Raises:
        EliqBenchError: a package or a weight file is missing, or a file may not be used, see `identify`.
    """
    for package in card.packages:
        if installed(package) == "missing":
            raise EliqBenchError(f"{card.name} needs the package {package}: `pip install {package}`.")
    require(card, offline)
    precision = dtype if dtype in card.dtypes else card.dtypes[0]
    return ModelSpec(card, options, device, precision, fingerprint(card, options, precision, trust_weights), protocol)
