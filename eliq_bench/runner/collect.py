"""From the store back to the items: one column per dataset, model and dimension, a status for every item."""

from typing import Literal

import numpy as np

from eliq_bench.runner.plan import ModelSpec
from eliq_bench.runner.store import ScoreRow, ScoreStore, prompt_key
from eliq_bench.types import NO_PROMPT, Dataset, ImageSource, ScoreColumn
from eliq_bench.vocabulary import Status

Cell = tuple[float, Status | Literal["missing"], str, float]
Known = dict[tuple[str, str, str], ScoreRow]


def collect(
    datasets: list[Dataset], hashes: dict[ImageSource, str], specs: list[ModelSpec], store: ScoreStore
) -> list[ScoreColumn]:
    """Columns of every model on every dataset, in the order of the arguments.

    An item without image is `missing`; one without prompt is `undefined` for a model that reads prompts; one
    that was never computed, since the run was cut short, is an `error`.
    """
    columns = []
    for spec in specs:
        known = store.rows(spec.fingerprint.digest)
        for dataset in datasets:
            columns += [_column(dataset, hashes, spec, dimension, known) for dimension in spec.card.dimensions]
    return columns


def _column(
    dataset: Dataset, hashes: dict[ImageSource, str], spec: ModelSpec, dimension: str, known: Known
) -> ScoreColumn:
    items = dataset.items
    cells = [
        _cell(path, prompt, hashes, spec, dimension, known)
        for path, prompt in zip(items.image, items.prompt, strict=True)
    ]
    return ScoreColumn(
        dataset=dataset.card.name,
        model=spec.card.name,
        fingerprint=spec.fingerprint.digest,
        dimension=dimension,
        score=np.array([cell[0] for cell in cells], dtype=np.float64),
        status=tuple(cell[1] for cell in cells),
        reason=tuple(cell[2] for cell in cells),
        seconds=np.array([cell[3] for cell in cells], dtype=np.float64),
    )


def _cell(
    path: ImageSource | None,
    prompt: str | None,
    hashes: dict[ImageSource, str],
    spec: ModelSpec,
    dimension: str,
    known: Known,
) -> Cell:
    nothing = float("nan")
    if path is None:
        return nothing, "missing", "image not found", 0.0
    if path not in hashes:
        return nothing, "unreadable", "the file cannot be read: no permission, a broken link, or no regular file", 0.0
    if spec.lacks_prompt(prompt):
        return nothing, "undefined", NO_PROMPT, 0.0
    row = known.get((hashes[path], prompt_key(spec.prompt(prompt)), dimension))
    if row is None:
        return nothing, "error", "not computed yet", 0.0
    return nothing if row.score is None else row.score, row.status, row.reason, row.seconds
