"""Stage 2: the network learns to rank the sides of pairs, from cached tokens of a frozen backbone."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import relu, softplus

from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.checkpoint import HeldOutMode
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import LossRecipe, Recipe
from eliq_bench.eliq.training.judge import HeldOutScores, by_dimension, judge
from eliq_bench.eliq.training.pairs import Preference, Side, Split, by_positive
from eliq_bench.eliq.training.tokens import TokenSource

SAMPLE = 2000
"""Split from which the channels' means and deviations are taken."""

Drawn = tuple[Side, list[Preference]]
"""A positive and the preferences drawn for it."""


class Epoch(NamedTuple):
    """A row of the training curves."""

    epoch: int
    loss: float
    held_out: float
    """Chooses the epoch, in [0, 1]: mean over dimensions of accuracy and order on held-out pairs."""
    accuracy: dict[Dimension, float]
    """Mean over modes, see `judge`."""
    order: dict[Dimension, float]


class Ranked(NamedTuple):
    """A trained network and its training curves."""

    network: CriticNetwork
    """As it was after the chosen epoch, in evaluation mode."""
    epochs: list[Epoch]
    best: int
    """The chosen epoch, counted from 1."""
    accuracy: dict[HeldOutMode, float]
    """Held-out pairwise accuracy of the chosen epoch."""

    @property
    def chosen(self) -> Epoch:
        """The chosen epoch."""
        return self.epochs[self.best - 1]


def rank(
    recipe: Recipe,
    sides: Split,
    source: TokenSource,
    start: CriticNetwork | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Ranked:
    """Train on the train part and keep the epoch that is best on the held-out part.

    Args:
        recipe: all choices.
        sides: preferences, see `Corpus.split`.
        source: tokens of every side.
        start: a network to continue from; None starts with a new one.
        on_epoch: called after each epoch.
    """
    torch.manual_seed(recipe.training.seed)
    random = np.random.default_rng(recipe.training.seed)
    network = start or _new_network(recipe, sides, source, random)
    groups = by_positive(sides.train)
    plan = recipe.training
    steps = _steps(groups, plan.batch_positives)
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
        scores = judge(network, source, sides.held_out)
        epochs.append(_epoch(number, losses, scores))
        if on_epoch:
            on_epoch(epochs[-1])
        best = _best(epochs, plan.tolerance)
        if best == number:
            kept = {name: value.clone() for name, value in network.state_dict().items()}
            accuracy = scores.accuracy
        elif number - best >= plan.patience:
            break
    network.load_state_dict(kept)
    network.eval()
    return Ranked(network, epochs, best, accuracy)


def one_cycle(
    optimiser: torch.optim.Optimizer, highest: float, steps: int
) -> torch.optim.lr_scheduler.OneCycleLR:
    """One cycle of the learning rate over `steps` steps; it rises for a tenth of them, but at least for one."""
    total = steps + 1
    # torch divides by the number of rising steps minus one, which would be zero in a short run
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

    Bradley-Terry: softplus(margin * severity - (better - worse)); margin: the same with a hinge. Three weighted terms
    are added: `cross_content_weight`, each positive is better than the severe negatives of the other positives;
    `severity_order_weight`, negatives of one mode are in the order of their severity, whatever they show;
    `invariance_weight`, a pair of one content does not change the score on the other dimension.
    """
    better = [positive for positive, _ in drawn]
    pairs = [(row, one) for row, (_, preferences) in enumerate(drawn) for one in preferences]
    worse = [one.worse for _, one in pairs]
    own = torch.tensor([row for row, _ in pairs])
    severity = torch.tensor([float(one.severity) for _, one in pairs])
    scores = network(source(better + worse, dimension), dimension)
    good, bad = scores[: len(better)], scores[len(better) :]
    penalty = softplus if recipe.kind == "bradley-terry" else relu
    loss = penalty(recipe.margin * severity - (good[own] - bad)).mean()
    severe = severity >= recipe.cross_content_severity
    if recipe.cross_content_weight and severe.any():
        loss = loss + recipe.cross_content_weight * penalty(bad[severe][None, :] - good[:, None]).mean()
    if recipe.severity_order_weight:
        ordered = _order_loss(bad, [one for _, one in pairs], recipe.severity_order_gap, penalty)
        loss = loss + recipe.severity_order_weight * ordered
    others = [name for name in network.dimensions if name != dimension]
    alike = torch.tensor([one.same_content for _, one in pairs])
    if recipe.invariance_weight and others and alike.any():
        other = network(source(better + worse, others[0]), others[0])
        moved = other[: len(better)][own] - other[len(better) :]
        loss = loss + recipe.invariance_weight * moved[alike].square().mean()
    return loss


def _order_loss(
    scores: torch.Tensor,
    negatives: Sequence[Preference],
    gap: int,
    penalty: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Mean penalty over pairs of negatives of one mode whose severities differ by at least `gap`, a scalar.

    Without it a network learns to separate degraded from intact images but not mild from severe degradations, so
    that the order of a weak generator's images is arbitrary (docs/results.md).
    """
    modes = np.array([one.mode for one in negatives])
    severities = np.array([one.severity for one in negatives])
    ordered = (modes[:, None] == modes) & (severities - severities[:, None] >= gap)  # (milder, worse)
    if not ordered.any():
        return scores.new_zeros(())
    milder, worse = torch.from_numpy(np.argwhere(ordered)).T
    return penalty(scores[worse] - scores[milder]).mean()


def _new_network(
    recipe: Recipe, sides: Split, source: TokenSource, random: np.random.Generator
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
    groups: dict[tuple[Dimension, Side], list[Preference]], recipe: Recipe, random: np.random.Generator
) -> list[tuple[Dimension, list[Drawn]]]:
    """The steps of an epoch: each positive once per dimension, its negatives drawn anew."""
    plan = recipe.training
    batches: list[tuple[Dimension, list[Drawn]]] = []
    for dimension in dict.fromkeys(name for name, _ in groups):
        keys = [key for key in groups if key[0] == dimension]
        order = random.permutation(len(keys))
        for start in range(0, len(order), plan.batch_positives):
            drawn = []
            for row in order[start : start + plan.batch_positives]:
                offered = groups[keys[row]]
                chosen = random.permutation(len(offered))[: plan.negatives]
                drawn.append((keys[row][1], [offered[at] for at in chosen]))
            batches.append((dimension, drawn))
    return [batches[at] for at in random.permutation(len(batches))]


def _steps(groups: dict[tuple[Dimension, Side], list[Preference]], positives: int) -> int:
    counts: dict[str, int] = {}
    for dimension, _ in groups:
        counts[dimension] = counts.get(dimension, 0) + 1
    return sum(-(-count // positives) for count in counts.values())


def _epoch(number: int, losses: Sequence[float], scores: HeldOutScores) -> Epoch:
    accuracy, order = by_dimension(scores.accuracy), by_dimension(scores.order)
    return Epoch(
        number, float(np.mean(losses)), float(np.mean([*accuracy.values(), *order.values()])), accuracy, order
    )


def _best(epochs: Sequence[Epoch], tolerance: float) -> int:
    """The last epoch within `tolerance` of the best one, since the learning rate is lowest there."""
    highest = max(epoch.held_out for epoch in epochs)
    return max(epoch.epoch for epoch in epochs if epoch.held_out >= highest - tolerance)
