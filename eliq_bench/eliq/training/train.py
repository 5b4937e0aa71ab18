"""`eliq-bench train`: tokens, ranking, calibration, checkpoint."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.backbones import create_backbone
from eliq_bench.eliq.critic.calibration import Calibration, fit_calibration
from eliq_bench.eliq.critic.checkpoint import CHECKPOINT_FILE, CriticCard
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.eliq.pairs.manifest import manifest_path
from eliq_bench.eliq.pairs.stats import count_pairs
from eliq_bench.eliq.training.comparisons import Sides, read_comparisons
from eliq_bench.eliq.training.curves import write_curves
from eliq_bench.eliq.training.rank import Epoch, Ranked, TokenSource, rank, score_sides
from eliq_bench.eliq.training.tokens import fill_cache
from eliq_bench.errors import InputError
from eliq_bench.report.folder import check_writable

SEVERE = 5
"""Severity of the negatives that anchor the lower end of the scale."""


class Trained(NamedTuple):
    """What a training run has made."""

    checkpoint: Path
    ranked: Ranked
    pairs: tuple[int, int]
    """Comparisons that trained, and that judged."""


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
    report: Callable[[str, int, int], None] | None = None,
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
    cache = fill_cache(
        pairs, images, recipe.backbone, tokens or out / "tokens", device, dtype, workers, report
    )
    backbone = create_backbone(recipe.backbone, device, dtype)
    source = TokenSource(backbone, cache)

    def told(epoch: Epoch) -> None:
        if report:
            report("training", epoch.epoch, recipe.training.epochs)

    begun = _start(start, recipe, backbone.fingerprint()) if start else None
    ranked = rank(recipe, sides, source, begun, told)
    network = ranked.network
    card = CriticCard(
        recipe=recipe,
        backbone=backbone.fingerprint(),
        dimensions=network.dimensions,
        visual_width=backbone.visual_width,
        semantic_width=backbone.semantic_width,
        calibration={name: _calibrate(network, source, sides, name) for name in network.dimensions},
        trained_on=_story(pairs, sides),
        held_out=ranked.accuracy,
    )
    path = out / CHECKPOINT_FILE
    checkpoint.save(path, network, card)
    write_curves(out, ranked.epochs)
    return Trained(path, ranked, (len(sides.train), len(sides.held_out)))


def _start(path: Path, recipe: Recipe, backbone: dict[str, str]) -> CriticNetwork:
    network, card = checkpoint.load(path)
    if card.recipe.network != recipe.network:
        raise InputError(
            f"{path} has a network of other sizes than the recipe {recipe.name}; use its own recipe."
        )
    if card.backbone != backbone:
        raise InputError(f"{path} was trained on another backbone than the recipe {recipe.name} names.")
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


def _story(pairs: Path, sides: Sides) -> dict[str, object]:
    counts = count_pairs(pairs)
    with manifest_path(pairs).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "manifest_sha256": digest,
        "train_pairs": len(sides.train),
        "held_out_pairs": len(sides.held_out),
        "positives": counts.positives,
        "generators": counts.generators,
        "human_labels": "none",
    }
