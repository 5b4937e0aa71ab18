"""Stage 2: the network learns to rank the sides of pairs, from cached tokens of a frozen backbone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import relu, softplus

from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import LossRecipe, Recipe
from eliq_bench.eliq.training.judge import Judged, by_dimension, judge
from eliq_bench.eliq.training.pairs import Comparison, Side, Sides, by_positive
from eliq_bench.eliq.training.tokens import TokenSource

SAMPLE = 2000
"""Sides from which the channels' means and deviations are taken."""

Drawn = tuple[Side, list[Comparison]]


class Epoch(NamedTuple):
    """One line of the curves."""

    epoch: int
    loss: float
    held_out: float
    """What decides, in [0, 1]: mean over dimensions of accuracy and order on held-out pairs."""
    accuracy: dict[str, float]
    """By dimension, mean over modes, see `judge`."""
    order: dict[str, float]


@dataclass
class Ranked:
    """A trained network and how it came about."""

    network: CriticNetwork
    epochs: list[Epoch]
    best: int
    accuracy: dict[str, float] = field(default_factory=dict)
    """Held-out pair accuracy by cell and mode, of the best epoch."""


def rank(
    recipe: Recipe,
    sides: Sides,
    source: TokenSource,
    start: CriticNetwork | None = None,
    report: Callable[[Epoch], None] | None = None,
) -> Ranked:
    """Train on the train side, keep the epoch that judges the held-out pairs best.

    Args:
        recipe: all choices.
        sides: comparisons, see `read_comparisons`.
        source: tokens of every side.
        start: a network to go on from; None begins with a new one.
        report: told about each epoch.
    """
    torch.manual_seed(recipe.training.seed)
    random = np.random.default_rng(recipe.training.seed)
    network = start or _new_network(recipe, sides, source, random)
    groups = by_positive(sides.train)
    plan = recipe.training
    steps = _steps(groups, plan.positives)
    optimiser = torch.optim.AdamW(network.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
    schedule = one_cycle(optimiser, plan.learning_rate, plan.epochs * steps)
    epochs: list[Epoch] = []
    kept, accuracy = network.state_dict(), {}
    for number in range(1, plan.epochs + 1):
        losses = []
        network.train()
        for dimension, drawn in _batches(groups, recipe, random):
            loss = pair_loss(network, source, dimension, drawn, recipe.loss)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        judged = judge(network, source, sides.held_out)
        epochs.append(_epoch(number, losses, judged))
        if report:
            report(epochs[-1])
        best = _best(epochs, plan.tolerance)
        if best == number:
            kept = {name: value.clone() for name, value in network.state_dict().items()}
            accuracy = judged.accuracy
        elif number - best >= plan.patience:
            break
    network.load_state_dict(kept)
    network.eval()
    return Ranked(network, epochs, best, accuracy)


def one_cycle(
    optimiser: torch.optim.Optimizer, highest: float, steps: int
) -> torch.optim.lr_scheduler.OneCycleLR:
    """One cycle of the learning rate over so many steps; it rises for a tenth of them, and at least for one."""
    total = steps + 1
    # torch divides by the number of rising steps less one, which a short run brings to zero
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser, highest, total_steps=total, pct_start=max(0.1, 2 / total)
    )


def pair_loss(
    network: CriticNetwork,
    source: TokenSource,
    dimension: Dimension,
    drawn: Sequence[Drawn],
    recipe: LossRecipe,
) -> torch.Tensor:
    """Loss of a few positives with their negatives on one dimension, a scalar.

    Bradley-Terry: softplus(margin * severity - (better - worse)); margin: the same with a hinge. With weight
    `across`, each positive is also better than the severe negatives of the others; with weight `order`, negatives of
    one mode stand in the order of their severity, whatever they show; with weight `still`, a pair of one content must
    not move the other dimension.
    """
    better = [positive for positive, _ in drawn]
    pairs = [(row, one) for row, (_, comparisons) in enumerate(drawn) for one in comparisons]
    worse = [one.worse for _, one in pairs]
    own = torch.tensor([row for row, _ in pairs])
    severity = torch.tensor([float(one.severity) for _, one in pairs])
    scores = network(source(better + worse, dimension), dimension)
    good, bad = scores[: len(better)], scores[len(better) :]
    penalty = softplus if recipe.kind == "bradley-terry" else relu
    loss = penalty(recipe.margin * severity - (good[own] - bad)).mean()
    severe = severity >= recipe.across_severity
    if recipe.across and severe.any():
        loss = loss + recipe.across * penalty(bad[severe][None, :] - good[:, None]).mean()
    if recipe.order:
        loss = loss + recipe.order * _order_loss(bad, [one for _, one in pairs], recipe.order_gap, penalty)
    others = [name for name in network.dimensions if name != dimension]
    alike = torch.tensor([one.same_content for _, one in pairs])
    if recipe.still and others and alike.any():
        other = network(source(better + worse, others[0]), others[0])
        moved = other[: len(better)][own] - other[len(better) :]
        loss = loss + recipe.still * moved[alike].square().mean()
    return loss


def _order_loss(
    scores: torch.Tensor,
    negatives: Sequence[Comparison],
    gap: int,
    penalty: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Mean penalty over pairs of negatives of one mode whose severities lie at least `gap` apart, a scalar.

    Without it a network learns to tell damaged from intact and nothing of what is more and what less damaged, so that
    the images of a weak generator come out in any order (docs/results.md).
    """
    modes = np.array([one.mode for one in negatives])
    severities = np.array([one.severity for one in negatives])
    ordered = (modes[:, None] == modes) & (
        severities - severities[:, None] >= gap
    )  # row: milder; column: worse
    if not ordered.any():
        return scores.new_zeros(())
    milder, worse = torch.from_numpy(np.argwhere(ordered)).T
    return penalty(scores[worse] - scores[milder]).mean()


def _new_network(
    recipe: Recipe, sides: Sides, source: TokenSource, random: np.random.Generator
) -> CriticNetwork:
    dimensions = tuple(dict.fromkeys(one.dimension for one in sides.train))
    backbone = source.backbone
    network = CriticNetwork(backbone.visual_width, backbone.semantic_width, recipe.network, dimensions)
    every = list(dict.fromkeys(side for one in sides.train for side in one[:2]))
    chosen = [every[row] for row in random.permutation(len(every))[:SAMPLE]]
    drawn = [source(chosen, dimension) for dimension in dimensions]
    network.fusion.visual_scale.fit(torch.cat([tokens.visual[tokens.mask] for tokens in drawn]))
    network.fusion.semantic_scale.fit(torch.cat([tokens.semantic[tokens.mask] for tokens in drawn]))
    return network


def _batches(
    groups: dict[tuple[Dimension, Side], list[Comparison]], recipe: Recipe, random: np.random.Generator
) -> "list[tuple[Dimension, list[Drawn]]]":
    """The steps of an epoch: each positive once per dimension, its negatives drawn anew."""
    plan = recipe.training
    batches: list[tuple[Dimension, list[Drawn]]] = []
    for dimension in dict.fromkeys(name for name, _ in groups):
        keys = [key for key in groups if key[0] == dimension]
        order = random.permutation(len(keys))
        for start in range(0, len(order), plan.positives):
            drawn = []
            for row in order[start : start + plan.positives]:
                offered = groups[keys[row]]
                chosen = random.permutation(len(offered))[: plan.negatives]
                drawn.append((keys[row][1], [offered[at] for at in chosen]))
            batches.append((dimension, drawn))
    return [batches[at] for at in random.permutation(len(batches))]


def _steps(groups: dict[tuple[Dimension, Side], list[Comparison]], positives: int) -> int:
    counts: dict[str, int] = {}
    for dimension, _ in groups:
        counts[dimension] = counts.get(dimension, 0) + 1
    return sum(-(-count // positives) for count in counts.values())


def _epoch(number: int, losses: Sequence[float], judged: Judged) -> Epoch:
    accuracy, order = by_dimension(judged.accuracy), by_dimension(judged.order)
    return Epoch(
        number, float(np.mean(losses)), float(np.mean([*accuracy.values(), *order.values()])), accuracy, order
    )


def _best(epochs: Sequence[Epoch], tolerance: float) -> int:
    """The epoch to keep: the last of those that come close to the best, as the learning rate has come down there.

    With a tolerance of 0 it is the best; of equal ones, the last.
    """
    highest = max(epoch.held_out for epoch in epochs)
    return max(epoch.epoch for epoch in epochs if epoch.held_out >= highest - tolerance)
