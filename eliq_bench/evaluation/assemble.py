"""From computed scores to complete results: rows, records of datasets and models, environment."""

import platform
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eliq_bench.evaluation.evaluate import Resampling, backwards, evaluate_dataset
from eliq_bench.evaluation.pairs import known_pair_rows
from eliq_bench.io.files import printable
from eliq_bench.io.optional import installed
from eliq_bench.results.records import (
    CrossRow,
    DatasetRecord,
    Environment,
    ModelRecord,
    Results,
    Row,
    shared_images,
)
from eliq_bench.types import Dataset, ItemTable, ScoreColumn
from eliq_bench.vocabulary import RunProtocol

if TYPE_CHECKING:
    from eliq_bench.runner.plan import ModelSpec
    from eliq_bench.runner.session import Scored

PACKAGES = ("torch", "torchvision", "pyiqa", "transformers", "numpy", "scipy", "pillow")


def assemble(scored: "Scored", resampling: Resampling) -> Results:
    """Results of a finished computation."""
    session = scored.session
    datasets = [dataset_record(dataset) for dataset in session.datasets]
    models = [
        _model_record(spec, wanted, stored, scored.columns, session.protocol)
        for spec, wanted, stored in zip(session.specs, session.plan.wanted, session.plan.stored, strict=True)
    ]
    environment = Environment(
        command=printable(shlex.join(["eliq-bench" if _is_cli() else Path(sys.argv[0]).name, *sys.argv[1:]])),
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        eliq_bench=installed("eliq-bench"),
        packages={package: installed(package) for package in PACKAGES},
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        device=session.resources.device,
        batch_size=session.resources.batch_size,
        workers=session.resources.workers,
        seed=resampling.seed,
        resamples=resampling.resamples,
        wall_seconds=scored.wall_seconds,
        decode_seconds=scored.spent.decode_seconds,
        scoring_seconds=scored.spent.scoring_seconds,
    )
    rows, cross = evaluate_all(datasets, scored.tables, scored.columns, models, resampling, session.protocol)
    pairs = known_pair_rows(scored.tables, scored.columns, models, resampling)
    return Results(
        protocol=session.protocol,
        environment=environment,
        datasets=datasets,
        models=models,
        rows=rows,
        cross=cross,
        pairs=pairs,
        warnings=[
            *session.warnings,
            *_without_labels(datasets, models),
            *shared_images(datasets, models),
            *backwards(rows),
        ],
    )


def evaluate_all(
    datasets: list[DatasetRecord],
    tables: list[ItemTable],
    columns: list[ScoreColumn],
    models: list[ModelRecord],
    resampling: Resampling,
    protocol: RunProtocol = "zero-shot",
) -> tuple[list[Row], list[CrossRow]]:
    """Rows and cross tables of all datasets, in order, marked with the protocol of the columns."""
    rows: list[Row] = []
    cross: list[CrossRow] = []
    for record, table in zip(datasets, tables, strict=True):
        own = [column for column in columns if column.dataset == record.name]
        more_rows, more_cross = evaluate_dataset(record, table, own, models, resampling, protocol)
        rows += more_rows
        cross += more_cross
    return rows, cross


def dataset_record(dataset: Dataset) -> DatasetRecord:
    """What results keep of a dataset."""
    card, items = dataset.card, dataset.items
    return DatasetRecord(
        name=card.name,
        title=card.title,
        truth=card.truth,
        items=len(items),
        images=sum(path is not None for path in items.image),
        dimensions={name: label.scale for name, label in card.dimensions.items()},
        raters={name: label.raters for name, label in card.dimensions.items()},
        label_sha256={part.file: part.sha256 for part in card.labels},
        variant=card.variant,
        licence=card.licence,
        citation=card.citation,
        group=card.group,
        notes=list(dataset.notes),
        labels_of=card.labels_of,
        blank=list(card.blank),
        subset=dataset.subset,
        reserved=card.reserved,
        shares_images_with=list(card.shares_images_with),
        judged_by=card.judged_by,
    )


def _model_record(
    spec: "ModelSpec", wanted: int, stored: int, columns: list[ScoreColumn], protocol: RunProtocol
) -> ModelRecord:
    card = spec.card
    predictions = dict.fromkeys(card.dimensions, "higher")  # of labels, whichever way its own scores point
    seconds = np.concatenate([column.seconds for column in columns if column.model == card.name])
    seconds = seconds[seconds > 0]
    return ModelRecord(
        name=card.name,
        summary=card.summary,
        dimensions=predictions if protocol == "probe" else card.dimensions,
        supervision=card.supervision,
        trained_on=list(card.trained_on),
        floor=card.floor,
        code_licence=card.code_licence,
        weights_licence=card.weights_licence,
        needs_prompt=card.needs_prompt,
        tolerance=card.tolerance,
        fingerprint=spec.fingerprint.digest,
        identity=dict(spec.fingerprint.__dict__),
        images_per_second=float(1 / seconds.mean()) if len(seconds) else None,
        computed=wanted - stored,
        stored=stored,
    )


def _without_labels(datasets: list[DatasetRecord], models: list[ModelRecord]) -> list[str]:
    """A sentence for each model that has no row on a dataset, since nothing it predicts is labelled there."""
    return [
        f"{model.name} predicts {', '.join(model.dimensions)}, which {dataset.name} does not label; no row."
        for dataset in datasets
        for model in models
        if not set(model.dimensions) & set(dataset.dimensions)
    ]


def _is_cli() -> bool:
    return Path(sys.argv[0]).name in ("eliq-bench", "__main__.py")
