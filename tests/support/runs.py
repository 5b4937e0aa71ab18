"""Small run folders made in no time: imported scores on an own table without images."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eliq_bench.imports.run import import_scores
from eliq_bench.imports.store import Declared
from eliq_bench.results.folder import load_run, save
from eliq_bench.vocabulary import Status

Floats = NDArray[np.float64]
ITEMS = 90
PER_PROMPT = 3
TRUTH = np.linspace(1.0, 5.0, ITEMS)


def noise(seed: int, size: float = 1.0) -> Floats:
    """Seeded normal noise, one value per item."""
    return np.random.default_rng(seed).normal(0.0, size, ITEMS)


def label_table(folder: Path, labels: Floats = TRUTH, name: str = "small") -> Path:
    """A table with 90 images in 30 prompts and their quality."""
    folder.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(99).permutation(len(labels))
    lines = ["image,prompt,generator,quality"]
    lines += [
        f"{row}.png,prompt {order[row] // PER_PROMPT},g{row % 3},{label!r}" for row, label in enumerate(labels.tolist())
    ]
    path = folder / f"{name}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def score_table(path: Path, **models: Floats) -> Path:
    """A file of scores with a column per model; NaN is an empty cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(["image", *models])]
    for row, values in enumerate(zip(*(scores.tolist() for scores in models.values()), strict=True)):
        cells = ["" if value != value else repr(value) for value in values]
        lines.append(",".join([f"{row}.png", *cells]))
    path.write_text("\n".join(lines) + "\n")
    return path


def make_run(folder: Path, labels: Path | None = None, /, **models: Floats) -> Path:
    """A run folder with these models."""
    table = labels or label_table(folder / "labels")
    scores = score_table(folder / "scores.csv", **models)
    declared = Declared(origin="a test", supervision="training-free")
    import_scores(scores, str(table), declared, out=folder / "run", resamples=200)
    return folder / "run"


def change_scores(run: Path, model: str, change: Callable[[Floats], Floats]) -> None:
    """Other scores under the same fingerprint; a NaN becomes undefined. Rows of results.json stay."""
    opened = load_run(run)
    columns = []
    for column in opened.columns.values():
        if column.model == model:
            score = change(column.score.copy())
            status: tuple[Status, ...] = tuple("ok" if np.isfinite(value) else "undefined" for value in score)
            reason = tuple("" if np.isfinite(value) else "planted" for value in score)
            columns.append(replace(column, score=score, status=status, reason=reason))
        else:
            columns.append(column)
    save(opened.results, list(opened.tables.values()), columns, run)


def change_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit a JSON file in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
