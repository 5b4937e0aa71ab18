"""Drift of a critic that is adapted to new generators, without labels: distance of the new images, and forgetting."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.checkpoint import CriticCard, TrainingProvenance
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.training.drift_distance import Distance, distance, embed_positives
from eliq_bench.eliq.training.fit import Trained
from eliq_bench.eliq.training.judge import AccuracyChange, pair_scores, paired_change, pairwise_correct
from eliq_bench.eliq.training.pairs import Corpus, Preference
from eliq_bench.eliq.training.tokens import Hardware, TokenCache, TokenSource, token_source
from eliq_bench.io.markdown import bullets, code, table
from eliq_bench.io.numbers import probability
from eliq_bench.io.write import write_whole
from eliq_bench.stats.correlation import krcc
from eliq_bench.types import Progress


class Previous(NamedTuple):
    """A critic before it is adapted, and its old held-out pairs."""

    checkpoint: Path
    network: CriticNetwork
    card: CriticCard
    pairs: Path | None
    """Old manifest or its folder; None without old pairs."""
    held_out: tuple[Preference, ...]
    """Of the old pairs; empty without them."""
    cache: TokenCache | None
    """Tokens of their sides."""


class AccuracyBeforeAfter(BaseModel):
    """Pairwise accuracy on held-out pairs of a dimension, before and after adapting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dimension: Dimension
    before: float
    """Ties count half."""
    after: float
    change: AccuracyChange
    """After minus before, paired."""
    tau: float
    """Kendall's tau-b between the raw scores of all sides before and after."""
    sides: int


class Drift(BaseModel):
    """The report beside an adapted checkpoint. Undefined numbers are null in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    checkpoint_before: str
    """Path of the critic that was adapted, as given to the command; so are the next three."""
    checkpoint_now: str
    pairs_before: str
    """Empty without old pairs."""
    pairs_now: str
    trained_before: TrainingProvenance
    trained_now: TrainingProvenance
    distances: dict[Dimension, Distance]
    """Of the new training positives from the old ones, at the input of each head of the old critic."""
    new_pairs: list[AccuracyBeforeAfter]
    """Held-out pairs of the new manifest; they also chose the epoch."""
    old_pairs: list[AccuracyBeforeAfter]
    """Held-out pairs of the old manifest: forgetting. Empty without old pairs."""


def load_previous(start: Path, old: Corpus | None, hardware: Hardware, progress: Progress | None = None) -> Previous:
    """Load a critic, and encode its old held-out pairs, before it is adapted.

    Args:
        start: its checkpoint.
        old: pairs that it was trained on.
        hardware: of the backbone.
        progress: stage `encoding`.

    Raises:
        InputError: no checkpoint, no manifest, or the cache is of another backbone.
    """
    network, card = checkpoint.load(start)
    if old is None:
        return Previous(start, network, card, None, (), None)
    held_out = old.split(card.recipe.pairs).held_out
    source = token_source(card.recipe, old, hardware, progress, held_out_only=True)
    return Previous(start, network, card, old.pairs, held_out, source.cache)


def measure_drift(previous: Previous, trained: Trained, pairs: Path) -> Drift:
    """Compare a critic with the one it was adapted from.

    Args:
        previous: from `load_previous`.
        trained: the adapted critic.
        pairs: manifest that it was adapted to, or its folder.
    """
    network, after, source = previous.network, trained.ranked.network, trained.source
    distances = {
        name: distance(embed_positives(network, source, trained.sides.train, name), previous.card.tokens.get(name))
        for name in network.dimensions
        if any(one.dimension == name for one in trained.sides.train)
    }
    old = TokenSource(source.backbone, previous.cache) if previous.cache is not None else source
    return Drift(
        checkpoint_before=str(previous.checkpoint),
        checkpoint_now=str(trained.checkpoint),
        pairs_before=str(previous.pairs or ""),
        pairs_now=str(pairs),
        trained_before=previous.card.trained_on,
        trained_now=trained.card.trained_on,
        distances=distances,
        new_pairs=_before_after(network, after, source, trained.sides.held_out),
        old_pairs=_before_after(network, after, old, previous.held_out),
    )


def _before_after(
    before: CriticNetwork, after: CriticNetwork, source: TokenSource, pairs: Sequence[Preference]
) -> list[AccuracyBeforeAfter]:
    rows = []
    for dimension in before.dimensions:
        own = [one for one in pairs if one.dimension == dimension]
        if not own:
            continue
        old, new = (pair_scores(network, source, own) for network in (before, after))
        old_correct, new_correct = pairwise_correct(old), pairwise_correct(new)
        sides = _sides(own)
        rows.append(
            AccuracyBeforeAfter(
                dimension=dimension,
                before=float(old_correct.mean()),
                after=float(new_correct.mean()),
                change=paired_change(new_correct, old_correct, [one.group for one in own]),
                tau=krcc(old.ravel()[sides], new.ravel()[sides]).value,
                sides=len(sides),
            )
        )
    return rows


def _sides(pairs: Sequence[Preference]) -> list[int]:
    """Position of each distinct side among the flattened sides (2n,) of the pairs."""
    places: dict[object, int] = {}
    for row, one in enumerate(pairs):
        places.setdefault(one.better, 2 * row)
        places.setdefault(one.worse, 2 * row + 1)
    return list(places.values())


DRIFT_JSON, DRIFT_MD = "drift.json", "drift.md"
TITLE = "# Drift of an adapted critic"
NOTES = (
    "Distance: between the new training positives and those of the old checkpoint, at the input of each head of the "
    "old critic, in standard deviations of the old ones, root mean square over channels; 0: the same source. The "
    "expected contribution of the number of images is subtracted. Chance level: 95 % of random halves of the old "
    "images are nearer to each other. 95 % interval of a bootstrap over groups of the new images.",
    "Reading: the lower end of the interval decides. Above the chance level, the new images are farther from the old "
    "ones than those are from each other; otherwise chance may explain the distance, even one above the chance level.",
    "Before, after: pairwise accuracy on held-out pairs, ties count half; the change is paired on the same pairs, its "
    "interval a bootstrap over groups. The new pairs also chose the epoch, which makes the latter optimistic.",
    "tau: Kendall's tau-b between the raw scores of all sides before and after; 1: the same order.",
)
FARTHER = "farther: the interval begins above the chance level"
CHANCE = "chance may explain it: the interval does not begin above the chance level"
NO_OLD_PAIRS = "Forgetting was not measured: name the old pairs with --old-pairs, and their images with --old-images."


def write_drift(drift: Drift, folder: Path) -> None:
    """Write `drift.json` and `drift.md`.

    Raises:
        EliqBenchError: the folder cannot be written; the checkpoint in it is kept.
    """
    advice = "the checkpoint is kept"
    json = drift.model_dump_json(indent=1, by_alias=True, exclude_none=True) + "\n"
    text = markdown(drift)
    write_whole(folder / DRIFT_JSON, lambda path: path.write_text(json, encoding="utf-8"), advice)
    write_whole(folder / DRIFT_MD, lambda path: path.write_text(text, encoding="utf-8"), advice)


def markdown(drift: Drift) -> str:
    """Tables of the critics, the distances and the accuracies, then notes; ends with a newline."""
    lines = [_distance_line(name, one) for name, one in drift.distances.items()]
    heads = ("head", "images (groups)", "distance [95 %]", "chance level", "reading")
    distances = table(heads, lines)
    rows = [("new", one) for one in drift.new_pairs] + [("old", one) for one in drift.old_pairs]
    headers = ("held-out pairs", "dimension", "n (groups)", "before", "after", "change [95 %]", "p", "tau")
    accuracy = table(headers, [_accuracy_line(*one) for one in rows])
    notes = bullets(NOTES if drift.old_pairs else (*NOTES, NO_OLD_PAIRS))
    return "\n\n".join([TITLE, _critics(drift), distances, accuracy, notes]) + "\n"


def _critics(drift: Drift) -> str:
    """Checkpoint and pairs of the old and of the new critic."""
    lines = []
    for which, critic, card, pairs in (
        ("old", drift.checkpoint_before, drift.trained_before, drift.pairs_before),
        ("new", drift.checkpoint_now, drift.trained_now, drift.pairs_now),
    ):
        manifest, positives, generators = (
            "–" if value is None else str(value)  # another program may have written less
            for value in (card.manifest_sha256, card.positives, card.generators)
        )
        trained_on = code(manifest[:16]), f"{positives} ({generators})"
        lines.append((which, code(critic), *trained_on, code(pairs) if pairs else "–"))
    headers = ("", "checkpoint", "trained on manifest", "positives (generators)", "pairs, as given")
    return table(headers, lines)


def _distance_line(name: str, one: Distance) -> tuple[str, ...]:
    size = f"{one.images:,} ({one.groups:,})"
    if one.reason:
        return name, size, "–", "–", one.reason
    reading = FARTHER if one.farther else CHANCE
    return name, size, f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]", f"{one.chance_level:.3f}", reading


def _accuracy_line(which: str, one: AccuracyBeforeAfter) -> tuple[str, ...]:
    size = f"{one.change.n:,} ({one.change.groups:,})"
    tau = "–" if math.isnan(one.tau) else f"{one.tau:.3f}"
    return which, one.dimension, size, f"{one.before:.3f}", f"{one.after:.3f}", *_change(one.change), tau


def _change(change: AccuracyChange) -> tuple[str, str]:
    if change.reason:
        return f"{change.value:+.3f} ({change.reason})", "–"
    return f"{change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]", probability(change.p)
