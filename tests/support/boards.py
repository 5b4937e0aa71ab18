"""Small runs and boards for tests: made up, but with groups, generators, two dimensions and blank images."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eliq_bench.evaluation.assemble import evaluate_all
from eliq_bench.evaluation.evaluate import Resampling
from eliq_bench.results.folder import save
from eliq_bench.results.records import DatasetRecord, Environment, ModelRecord, Results
from eliq_bench.types import Items, ItemTable, ScoreColumn
from eliq_bench.vocabulary import Direction, Supervision

Floats = NDArray[np.float64]
N_PROMPTS, PER_PROMPT = 40, 4
N = N_PROMPTS * PER_PROMPT
DIMENSIONS = ("quality", "alignment")


@dataclass
class Model:
    """A made-up model: a label with noise."""

    noise: float
    dimension: str = "quality"
    direction: Direction = "higher"
    supervision: Supervision = "training-free"
    floor: bool = False
    trained_on: tuple[str, ...] = ()
    fingerprint: str = ""
    imported_from: str = ""
    lost: Mapping[int, str] = field(default_factory=dict)
    """Item to the status of one that has no score."""


MODELS: dict[str, Model] = {
    "sharp_one": Model(0.3),
    "blurred-two": Model(0.35, supervision="label-free"),
    "reversed": Model(0.8, direction="lower", supervision="mos-trained"),
    "noisy": Model(3.0),
    "bytes": Model(5.0, floor=True),
    "follows": Model(0.5, dimension="alignment", supervision="label-free"),
}


def toy_items(seed: int = 0) -> Items:
    """160 items: 40 prompts by 4 generators, quality and alignment going together."""
    random = np.random.default_rng(seed)
    generator = np.arange(N) % PER_PROMPT
    quality = generator * 0.5 + random.standard_normal(N)
    alignment = 0.6 * quality + 0.8 * random.standard_normal(N)
    prompt = tuple(f"a picture of {number // PER_PROMPT}" for number in range(N))
    name = tuple(f"{number}.png" for number in range(N))
    made_by = tuple(f"gen{number}_{'new' if number % 2 else 'old'}" for number in generator)
    return Items(
        name=name,
        image=(None,) * N,
        prompt=prompt,
        generator=made_by,
        generator_family=tuple(text.partition("_")[2] for text in made_by),
        group=prompt,
        labels={"quality": quality, "alignment": alignment},
        label_std={"quality": np.full(N, 0.5)},
    )


def make_run(
    folder: Path,
    models: Mapping[str, Model] | None = None,
    *,
    dataset: str = "toy",
    items: Items | None = None,
    protocol: Literal["zero-shot", "probe"] = "zero-shot",
    sha256: tuple[str, ...] | None = None,
    **record: Any,
) -> Path:
    """A run folder as `run` would have written it.

    Args:
        folder: is created.
        models: None takes `MODELS`.
        dataset: its name.
        items: None takes `toy_items()`.
        protocol: of the run.
        sha256: content hashes; None for none.
        record: changes to the record of the dataset.
    """
    items = items or toy_items()
    models = MODELS if models is None else models
    fields: dict[str, Any] = {
        "name": dataset,
        "title": dataset.capitalize(),
        "truth": "human opinion",
        "items": len(items),
        "images": 0,
        "dimensions": dict.fromkeys(items.labels, (0.0, 5.0)),
        "raters": dict.fromkeys(items.labels, 20),
        "label_sha256": {"labels.csv": "ab" * 32},
        "licence": "MIT",
        "group": "prompt",
        "blank": ["7.png"],
        "notes": ["One image is blank."],
    }
    described = DatasetRecord(**{**fields, **record})
    records = [_record(name, model) for name, model in models.items()]
    columns = [_column(dataset, name, model, items) for name, model in models.items()]
    table = ItemTable(dataset, items, sha256 or ("",) * len(items))
    rows, cross = evaluate_all([described], [table], columns, records, Resampling(0, 200))
    results = Results(
        protocol=protocol,
        environment=_environment(),
        datasets=[described],
        models=records,
        rows=rows,
        cross=cross,
    )
    folder.mkdir(parents=True, exist_ok=True)
    save(results, [table], columns, folder)
    return folder


def _record(name: str, model: Model) -> ModelRecord:
    return ModelRecord(
        name=name,
        summary=f"made up, noise {model.noise}",
        dimensions={model.dimension: model.direction},
        supervision=model.supervision,
        trained_on=list(model.trained_on),
        floor=model.floor,
        code_licence="Apache-2.0",
        weights_licence="no weights",
        tolerance=1e-6,
        fingerprint=model.fingerprint or f"{name}-1",
        imported_from=model.imported_from,
    )


def _column(dataset: str, name: str, model: Model, items: Items) -> ScoreColumn:
    label = items.labels.get(model.dimension)
    size = len(items)
    random = np.random.default_rng(sum(map(ord, name)))
    noisy = (np.zeros(size) if label is None else label) + model.noise * random.standard_normal(size)
    score: Floats = noisy if model.direction == "higher" else 10.0 - noisy
    status: list[Any] = ["ok"] * size
    for row, reason in model.lost.items():
        status[row], score[row] = reason, np.nan
    return ScoreColumn(
        dataset=dataset,
        model=name,
        fingerprint=model.fingerprint or f"{name}-1",
        dimension=model.dimension,
        score=score,
        status=tuple(status),
        reason=tuple("" if entry == "ok" else "no reason" for entry in status),
        seconds=np.zeros(size),
    )


def _environment() -> Environment:
    return Environment(
        command="eliq-bench run",
        created="2026-01-02T03:04:05Z",
        eliq_bench="0.1.0",
        packages={},
        python="3.11",
        machine="Linux x86_64",
        device="cpu",
        batch_size=1,
        workers=1,
        seed=0,
        resamples=200,
        wall_seconds=0.0,
        decode_seconds=0.0,
        scoring_seconds=0.0,
    )
