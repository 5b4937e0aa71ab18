"""Training and adapting a critic: tokens, ranking, checkpoint, and the drift from an earlier critic."""

from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.critic.locate import CHECKPOINT_FILE
from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.eliq.training.drift import Drift, load_previous, measure_drift, write_drift
from eliq_bench.eliq.training.fit import Trained, fit
from eliq_bench.eliq.training.pairs import Corpus, training_notes
from eliq_bench.eliq.training.tokens import CPU, Hardware, token_source
from eliq_bench.io.write import check_writable
from eliq_bench.types import Progress


class TrainingRun(NamedTuple):
    """Result of `train` or `adapt`."""

    trained: Trained
    drift: Drift | None
    """None for a new critic."""
    notes: tuple[str, ...]
    """Warnings about the recipe and the pairs."""


def train(
    recipe: Recipe,
    corpus: Corpus,
    out: Path,
    hardware: Hardware = CPU,
    progress: Progress | None = None,
) -> TrainingRun:
    """Train a new critic on a manifest of pairs. No label is read, see `training.pairs`.

    Args:
        recipe: all choices.
        corpus: pairs, images and token cache.
        out: folder for the checkpoint and the curves.
        hardware: of the backbone.
        progress: stages `encoding` and `training`.

    Raises:
        InputError: the pairs do not fit the recipe.
        EliqBenchError: an image cannot be read, or `out` cannot be written.
    """
    notes = _check(recipe, corpus, out)
    source = token_source(recipe, corpus, hardware, progress)
    return TrainingRun(fit(recipe, corpus, source, out, None, progress), None, notes)


def adapt(
    recipe: Recipe,
    corpus: Corpus,
    out: Path,
    start: Path,
    old: Corpus | None = None,
    hardware: Hardware = CPU,
    progress: Progress | None = None,
) -> TrainingRun:
    """Continue from a checkpoint on other pairs; also writes `drift.md` and `drift.json`.

    Args:
        recipe: all choices; its sizes must be those of the checkpoint.
        corpus: new pairs.
        out: folder for the checkpoint, the curves and the report.
        start: the checkpoint.
        old: pairs that it was trained on, to measure what it forgets.
        hardware: of the backbone.
        progress: stages `encoding` and `training`.

    Raises:
        InputError: the pairs or the checkpoint do not fit the recipe.
        EliqBenchError: an image cannot be read, or `out` cannot be written.
    """
    notes = _check(recipe, corpus, out)
    previous = load_previous(start, old, hardware, progress)  # before training, which may overwrite it
    source = token_source(recipe, corpus, hardware, progress)
    trained = fit(recipe, corpus, source, out, start, progress)
    drift = measure_drift(previous, trained, corpus.pairs)
    write_drift(drift, out)
    return TrainingRun(trained, drift, notes)


def _check(recipe: Recipe, corpus: Corpus, out: Path) -> tuple[str, ...]:
    """Report errors before the long work; returns the warnings."""
    check_writable(out, CHECKPOINT_FILE)
    return training_notes(recipe, corpus)
