"""`eliq-bench train`: tokens, ranking, calibration, checkpoint."""

import csv
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.backbones import create_backbone
from eliq_bench.eliq.critic.checkpoint import CHECKPOINT_FILE, Calibration, CriticCard, fit_calibration
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.eliq.pairs.manifest import count_pairs, manifest_path
from eliq_bench.eliq.training.drift_distance import remember
from eliq_bench.eliq.training.judge import score_sides
from eliq_bench.eliq.training.pairs import Sides, read_comparisons, takes
from eliq_bench.eliq.training.rank import Epoch, Ranked, rank
from eliq_bench.eliq.training.tokens import TokenSource, fill_cache
from eliq_bench.errors import InputError
from eliq_bench.io.files import sha256_of
from eliq_bench.io.write import check_writable
from eliq_bench.types import Progress

CURVES_CSV, CURVES_PNG = "curves.csv", "curves.png"


def write_curves(folder: Path, epochs: Sequence[Epoch]) -> list[Path]:
    """Write the loss and what held-out pairs say of each epoch; returns the files and folders made."""
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
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["epoch", *_values(epochs[0])])
        writer.writeheader()
        writer.writerows({"epoch": epoch.epoch, **_values(epoch)} for epoch in epochs)
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
    right.set(xlabel="epoch", ylabel="share in the right order")
    right.legend(fontsize=7, loc="best", framealpha=0.6)
    figure.savefig(path, dpi=120)
    return path


SEVERE = 5
"""Severity of the negatives that anchor the lower end of the scale."""


class Trained(NamedTuple):
    """What a training run has made."""

    checkpoint: Path
    ranked: Ranked
    card: CriticCard
    sides: Sides
    """Comparisons that trained, and that chose."""
    source: TokenSource


def train(
    recipe: Recipe,
    pairs: Path,
    images: Path,
    out: Path,
    device: str = "cpu",
    dtype: str = "auto",
    workers: int | None = None,
    start: Path | None = None,
    tokens: Path | None = None,
    report: Progress | None = None,
) -> Trained:
    """Train a critic on a manifest of pairs. No label is read, see `comparisons`.

    Args:
        recipe: all choices.
        pairs: manifest or its folder.
        images: folder that its paths are relative to.
        out: folder for the checkpoint and the curves.
        device: of the backbone.
        dtype: of the backbone.
        workers: processes on the CPU; None takes one per core.
        start: a checkpoint to go on from (`--continue`); its sizes must be those of the recipe.
        tokens: folder of the token cache; None takes `out/tokens`.
        report: told about the progress.

    Raises:
        InputError: the pairs do not fit the recipe, or the checkpoint does not.
        EliqBenchError: an image cannot be read, or `out` cannot be written.
    """
    check_writable(out)
    sides = read_comparisons(pairs, recipe.pairs)
    place = tokens or out / "tokens"
    used = partial(takes, recipe.pairs)
    cache = fill_cache(pairs, images, recipe.backbone, place, device, dtype, workers, report, used)
    source = TokenSource(create_backbone(recipe.backbone, device, dtype), cache)
    return fit(recipe, sides, source, out, story(pairs, sides, start), start, report)


def fit(
    recipe: Recipe,
    sides: Sides,
    source: TokenSource,
    out: Path,
    trained_on: dict[str, object],
    start: Path | None = None,
    report: Progress | None = None,
) -> Trained:
    """Rank, calibrate and write the checkpoint, from comparisons and tokens that are at hand.

    Args:
        recipe: all choices.
        sides: comparisons that train and that choose.
        source: tokens of every side.
        out: folder for the checkpoint and the curves.
        trained_on: what the card tells of the pairs, see `story`.
        start: a checkpoint to go on from.
        report: told about the epochs.

    Raises:
        InputError: the checkpoint does not fit the recipe or the pairs.
    """

    def told(epoch: Epoch) -> None:
        if report:
            report("training", epoch.epoch, recipe.training.epochs)

    backbone = source.backbone
    begun = _start(start, recipe, sides, backbone.fingerprint()) if start else None
    ranked = rank(recipe, sides, source, begun, told)
    network = ranked.network
    card = CriticCard(
        recipe=recipe,
        backbone=backbone.fingerprint(),
        dimensions=network.dimensions,
        visual_width=backbone.visual_width,
        semantic_width=backbone.semantic_width,
        calibration={name: _calibrate(network, source, sides, name) for name in network.dimensions},
        trained_on=trained_on,
        held_out=ranked.accuracy,
        tokens=remember(network, source, sides.train),
    )
    path = out / CHECKPOINT_FILE
    checkpoint.save(path, network, card)
    write_curves(out, ranked.epochs)
    return Trained(path, ranked, card, sides, source)


def _start(path: Path, recipe: Recipe, sides: Sides, backbone: dict[str, str]) -> CriticNetwork:
    network, card = checkpoint.load(path)
    if card.recipe.network != recipe.network:
        raise InputError(
            f"{path} has a network of other sizes than the recipe {recipe.name}; use its own recipe."
        )
    if card.backbone != backbone:
        raise InputError(f"{path} was trained on another backbone than the recipe {recipe.name} names.")
    for one in (*sides.train, *sides.held_out):
        if one.dimension not in card.dimensions:
            raise InputError(
                f"{path} has no {one.dimension}, but the pairs have; leave out their cells, such as {one.cell}, "
                "in the recipe."
            )
    return network


def _calibrate(
    network: CriticNetwork, source: TokenSource, sides: Sides, dimension: Dimension
) -> Calibration:
    """The scale, from held-out pairs: all positives, and the most severe negatives there are."""
    pairs = [one for one in sides.held_out if one.dimension == dimension] or [
        one for one in sides.train if one.dimension == dimension
    ]
    worst = max(one.severity for one in pairs)
    scores = score_sides(network, source, [side for one in pairs for side in one[:2]], dimension)
    good = [scores[side] for side in dict.fromkeys(one.better for one in pairs)]
    bad = [scores[one.worse] for one in pairs if one.severity >= min(SEVERE, worst)]
    return fit_calibration(good, bad)


def story(pairs: Path, sides: Sides, start: Path | None = None) -> dict[str, object]:
    """What a card tells of its pairs, and of the checkpoint that it goes on from."""
    counts = count_pairs(pairs)
    told: dict[str, object] = {
        "manifest_sha256": sha256_of(manifest_path(pairs)),
        "train_pairs": len(sides.train),
        "held_out_pairs": len(sides.held_out),
        "positives": counts.positives,
        "generators": counts.generators,
        "human_labels": "none",
    }
    if start:
        told["continued_from_sha256"] = sha256_of(start / CHECKPOINT_FILE if start.is_dir() else start)
    return told
