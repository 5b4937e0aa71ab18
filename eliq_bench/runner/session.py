"""A run before it computes: datasets opened, models identified, images hashed, the work planned."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eliq_bench.cards import ModelCard
from eliq_bench.errors import InputError, plural
from eliq_bench.io.files import cache_dir
from eliq_bench.io.optional import default_batch_size, resolve_device
from eliq_bench.registry import model_cards, resolve
from eliq_bench.runner.execute import Resources, Spent
from eliq_bench.runner.features import FeatureStore
from eliq_bench.runner.plan import ModelOptions, ModelSpec, Plan, choose, hash_images, make_plan, make_spec
from eliq_bench.runner.store import ScoreStore
from eliq_bench.types import Dataset, ImageSource, ItemTable, ScoreColumn
from eliq_bench.vocabulary import RunProtocol

STORE_FILE = "scores.sqlite"
FEATURES_FILE = "features.sqlite"


WORKER_BYTES = 1_200_000_000
"""Memory of a worker with torch and pyiqa loaded, measured (`benchmarks/README.md`); weights come on top."""


@dataclass(frozen=True)
class Settings:
    """How to compute: everything that changes neither which scores are wanted nor what they mean."""

    device: str = "auto"
    dtype: str | None = None
    """Precision of models that offer it; the others keep their own and a warning says so."""
    batch_size: int | None = None
    """None: 8 on a CPU, 32 on a GPU, halved when memory runs out."""
    workers: int | None = None
    """None: one process per core, or per GPU."""
    offline: bool = False
    trust_weights: bool = False
    """Use files of weights for which neither the card of the model nor the file name has a hash."""
    model_options: ModelOptions = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """Which models are asked for what, and how: checked before any dataset is opened, see `check_request`."""

    models: tuple[tuple[ModelCard, dict[str, Any]], ...]
    """Each with its complete options."""
    device: str
    """A torch device, never `auto`."""
    settings: Settings
    protocol: RunProtocol = "zero-shot"

    @property
    def predicted(self) -> list[str]:
        """The dimensions that any of the models predicts, sorted."""
        return sorted({dimension for card, _ in self.models for dimension in card.dimensions})


@dataclass
class Session:
    """What `execute` needs, and what a dry run shows."""

    datasets: list[Dataset]
    specs: list[ModelSpec]
    hashes: dict[ImageSource, str]
    plan: Plan
    resources: Resources
    warnings: list[str]
    protocol: RunProtocol = "zero-shot"

    def tables(self) -> list[ItemTable]:
        """The items of each dataset with the hash of each image."""
        return [
            ItemTable(
                dataset.card.name,
                dataset.items,
                tuple(self.hashes.get(path, "") if path else "" for path in dataset.items.image),
                dataset.pairs,
            )
            for dataset in self.datasets
        ]


def open_store() -> ScoreStore:
    """The score store in the cache folder."""
    return ScoreStore(cache_dir() / STORE_FILE)


def open_features() -> FeatureStore:
    """The store of features in the cache folder."""
    return FeatureStore(cache_dir() / FEATURES_FILE)


def check_request(models: Sequence[str], settings: Settings, protocol: RunProtocol = "zero-shot") -> Request:
    """Names, options, protocol and device, checked without opening a dataset or loading a model.

    Args:
        models: names.
        settings: how to compute.
        protocol: whether scores or features are wanted.

    Raises:
        InputError: an unknown model, option or device, or a model that cannot follow the protocol.
    """
    chosen = choose(list(models), settings.model_options, settings.offline)
    _check_protocol([card for card, _ in chosen], protocol)
    return Request(tuple(chosen), resolve_device(settings.device), settings, protocol)


def prepare(datasets: Sequence[Dataset], request: Request, store: ScoreStore) -> Session:
    """Identify the models, hash the images and plan what the store lacks.

    Args:
        datasets: whose items are wanted.
        request: models and how to compute.
        store: of scores; for the protocol `probe` of features.

    Raises:
        InputError: two datasets of one name.
        EliqBenchError: a package or a weight file is missing.
    """
    names = [dataset.card.name for dataset in datasets]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"Two datasets are called {name}; rename one of the tables.")
    settings, device = request.settings, request.device
    specs = [
        make_spec(card, options, device, settings.dtype, settings.offline, request.protocol, settings.trust_weights)
        for card, options in request.models
    ]
    images = [path for dataset in datasets for path in dataset.items.image if path is not None]
    hashes = hash_images(images)
    return Session(
        datasets=list(datasets),
        specs=specs,
        hashes=hashes,
        plan=make_plan(list(datasets), hashes, specs, store),
        resources=Resources(
            device=device,
            batch_size=settings.batch_size or default_batch_size(device),
            workers=settings.workers or _default_workers(device, [spec.card for spec in specs]),
            offline=settings.offline,
        ),
        warnings=[*_precision_warnings(specs, settings.dtype), *_prompt_warnings(specs, datasets)],
        protocol=request.protocol,
    )


def _default_workers(device: str, cards: list[ModelCard]) -> int:
    """One process per core, or per GPU; fewer where memory would not hold them all."""
    if device != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    weights = sum(weight.size for card in cards for weight in card.weights)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, int(0.8 * memory / (WORKER_BYTES + 2 * weights))))


def _check_protocol(cards: list[ModelCard], protocol: RunProtocol) -> None:
    for card in cards:
        if protocol not in card.protocols:
            if protocol == "zero-shot":
                raise InputError(f"{card.name} gives features and no score; it takes part with --protocol probe.")
            able = ", ".join(name for name, other in model_cards().items() if "probe" in other.protocols)
            raise InputError(f"{card.name} gives no features to --protocol probe; these models do: {able}.")


def _precision_warnings(specs: list[ModelSpec], dtype: str | None) -> list[str]:
    return [
        f"{spec.card.name} does not run in {dtype}; {spec.dtype} was used."
        for spec in specs
        if dtype and spec.dtype != dtype and not spec.card.floor
    ]


def _prompt_warnings(specs: Sequence[ModelSpec], datasets: Sequence[Dataset]) -> list[str]:
    """What models cannot read of the prompts: one sentence for each flaw and dataset."""
    readers: dict[str, list[str]] = {}
    for spec in specs:
        if spec.card.prompt_check:
            readers.setdefault(spec.card.prompt_check, []).append(spec.card.name)
    sentences = []
    for check, models in readers.items():
        for dataset in datasets:
            prompts = list(dict.fromkeys(prompt for prompt in dataset.items.prompt if prompt))
            for flaw, unread in (resolve(check)(prompts) if prompts else {}).items():
                affected = set(unread)
                items = [row for row, prompt in enumerate(dataset.items.prompt) if prompt in affected]
                first = dataset.items.name[items[0]]
                sentences.append(
                    f"{', '.join(models)}: {len(affected):,} of {plural(len(prompts), 'prompt')} of "
                    f"{dataset.card.name} ({len(items):,} of {plural(len(dataset.items), 'item')}, such as {first}) "
                    f"{flaw}."
                )
    return sentences


@dataclass
class Scored:
    """Scores of a session with what they cost."""

    session: Session
    tables: list[ItemTable]
    columns: list[ScoreColumn]
    spent: Spent
    wall_seconds: float
