"""From cached tokens to a checkpoint: ranking, calibration, curves."""

import csv
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.checkpoint import (
    CHECKPOINT_FILE,
    Calibration,
    CriticCard,
    TrainingProvenance,
    fit_calibration,
)
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.eliq.training.drift_distance import reference_statistics
from eliq_bench.eliq.training.judge import score_sides
from eliq_bench.eliq.training.pairs import Corpus, Split
from eliq_bench.eliq.training.rank import Epoch, Ranked, rank
from eliq_bench.eliq.training.tokens import TokenSource
from eliq_bench.errors import InputError
from eliq_bench.io.files import sha256_of
from eliq_bench.io.write import write_whole
from eliq_bench.types import Progress

CURVES_CSV, CURVES_PNG = "curves.csv", "curves.png"


def write_curves(folder: Path, epochs: Sequence[Epoch]) -> list[Path]:
    """Write loss, accuracy and order of each epoch; returns the files and folders written."""
    written = [_table(folder / CURVES_CSV, epochs), _picture(folder / CURVES_PNG, epochs)]
    if find_spec("tensorboard") is not None:
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(folder / "tensorboard")) as writer:
            for epoch in epochs:
                for name, value in _values(epoch).items():
                    writer.add_scalar(name, value, epoch.epoch)
        written.append(folder / "tensorboard")
    return written


def _values(epoch: Epoch) -> dict[str, float]:
    accuracy = {f"held-out accuracy/{name}": value for name, value in sorted(epoch.accuracy.items())}
    order = {f"held-out order/{name}": value for name, value in sorted(epoch.order.items())}
    return {"loss": epoch.loss, "held-out mean, which decides": epoch.held_out, **accuracy, **order}


def _table(path: Path, epochs: Sequence[Epoch]) -> Path:
    def write(target: Path) -> None:
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["epoch", *_values(epochs[0])])
            writer.writeheader()
            writer.writerows({"epoch": epoch.epoch, **_values(epoch)} for epoch in epochs)

    write_whole(path, write, "the critic itself is kept")
    return path


def _picture(path: Path, epochs: Sequence[Epoch]) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    numbers = [epoch.epoch for epoch in epochs]
    left.plot(numbers, [epoch.loss for epoch in epochs], marker="o")
    left.set(xlabel="epoch", ylabel="training loss")
    for name in list(_values(epochs[0]))[1:]:
        right.plot(numbers, [_values(epoch)[name] for epoch in epochs], marker="o", label=name)
    right.set(xlabel="epoch", ylabel="accuracy, order")
    right.legend(fontsize=7, loc="best", framealpha=0.6)
    figure.savefig(path, dpi=120)
    return path


SEVERE = 5
"""Severity of the negatives that anchor the lower end of the scale."""


class Trained(NamedTuple):
    """A trained critic."""

    checkpoint: Path
    ranked: Ranked
    card: CriticCard
    sides: Split
    """Preferences that it was trained on, and those that chose the epoch."""
    source: TokenSource


def fit(
    recipe: Recipe,
    corpus: Corpus,
    source: TokenSource,
    out: Path,
    start: Path | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Rank, calibrate and write the checkpoint.

    Args:
        recipe: all choices.
        corpus: the pairs.
        source: tokens of all sides that the recipe uses.
        out: folder for the checkpoint and the curves.
        start: a checkpoint to continue from.
        progress: stage `training`, counted in epochs.

    Raises:
        InputError: the pairs do not fit the recipe, or the checkpoint does not fit the recipe or the pairs.
    """

    def on_epoch(epoch: Epoch) -> None:
        if progress:
            progress("training", epoch.epoch, recipe.training.epochs)

    backbone, sides = source.backbone, corpus.split(recipe.pairs)
    provenance = training_provenance(corpus, sides, start)  # before training, which may overwrite `start`
    initial = _initial_network(start, recipe, sides, backbone.fingerprint()) if start else None
    ranked = rank(recipe, sides, source, initial, on_epoch)
    network = ranked.network
    card = CriticCard(
        recipe=recipe,
        backbone=backbone.fingerprint(),
        dimensions=network.dimensions,
        visual_width=backbone.visual_width,
        semantic_width=backbone.semantic_width,
        calibration={name: _calibrate(network, source, sides, name) for name in network.dimensions},
        trained_on=provenance,
        held_out=ranked.accuracy,
        tokens=reference_statistics(network, source, sides.train),
    )
    path = out / CHECKPOINT_FILE
    checkpoint.save(path, network, card)
    write_curves(out, ranked.epochs)
    return Trained(path, ranked, card, sides, source)


def _initial_network(path: Path, recipe: Recipe, sides: Split, backbone: dict[str, str]) -> CriticNetwork:
    network, card = checkpoint.load(path)
    if card.recipe.network != recipe.network:
        raise InputError(f"{path} has a network of other sizes than the recipe {recipe.name}; use its own recipe.")
    if card.backbone != backbone:
        raise InputError(f"{path} was trained on another backbone than the recipe {recipe.name} names.")
    for one in (*sides.train, *sides.held_out):
        if one.dimension not in card.dimensions:
            raise InputError(
                f"{path} has no {one.dimension}, but the pairs have; leave out their cells, such as {one.cell}, "
                "in the recipe."
            )
    return network


def _calibrate(network: CriticNetwork, source: TokenSource, sides: Split, dimension: Dimension) -> Calibration:
    """The scale, from all positives and the most severe negatives of the held-out pairs."""
    pairs = [one for one in sides.held_out if one.dimension == dimension] or [
        one for one in sides.train if one.dimension == dimension
    ]
    highest = max(one.severity for one in pairs)
    scores = score_sides(network, source, [side for one in pairs for side in one[:2]], dimension)
    good = [scores[side] for side in dict.fromkeys(one.better for one in pairs)]
    bad = [scores[one.worse] for one in pairs if one.severity >= min(SEVERE, highest)]
    return fit_calibration(good, bad)


def training_provenance(corpus: Corpus, sides: Split, start: Path | None = None) -> TrainingProvenance:
    """The pairs of a card, and the checkpoint that training starts from."""
    start = start / CHECKPOINT_FILE if start and start.is_dir() else start
    return TrainingProvenance(
        manifest_sha256=corpus.sha256,
        train_pairs=len(sides.train),
        held_out_pairs=len(sides.held_out),
        positives=len({pair.positive for pair in corpus.rows}),
        generators=len({pair.generator for pair in corpus.rows} - {None}),
        human_labels="none",
        continued_from_sha256=sha256_of(start) if start else None,
    )
