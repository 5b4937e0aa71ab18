"""What adapting a critic to new generators did, without labels: how far the new images lie, and what was forgotten."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from tabulate import tabulate

from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.checkpoint import CriticCard
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.pairs.manifest import Pair
from eliq_bench.eliq.training.drift_distance import Distance, cloud_of, distance
from eliq_bench.eliq.training.judge import Change, credit, pair_scores, paired_change
from eliq_bench.eliq.training.pairs import Comparison, read_comparisons, takes
from eliq_bench.eliq.training.tokens import TokenCache, TokenSource, fill_cache
from eliq_bench.eliq.training.train import Trained
from eliq_bench.io.write import write_whole
from eliq_bench.stats.correlation import krcc
from eliq_bench.types import Progress


class Before(NamedTuple):
    """The critic as it was, and pairs on which it was judged then."""

    checkpoint: Path
    network: CriticNetwork
    card: CriticCard
    pairs: Path | None
    """Old manifest or its folder; None if it is not at hand."""
    held_out: tuple[Comparison, ...]
    """Of the old pairs; empty if they are not at hand."""
    cache: TokenCache | None
    """Tokens of their sides."""


class Kept(BaseModel):
    """How the critic ordered some held-out pairs of a dimension before, and how it does now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dimension: Dimension
    before: float
    """Share of pairs in the right order, ties as half."""
    after: float
    change: Change
    """After minus before, paired."""
    tau: float
    """Kendall's tau-b of the raw scores of all sides before and after: 1 if no two of them changed places."""
    sides: int


class Evolution(BaseModel):
    """The report beside an adapted checkpoint. Undefined numbers are null in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    checkpoint_before: str
    """The critic that was adapted, as the command named it; so are the other three."""
    checkpoint_now: str
    pairs_before: str
    """Empty if they were not given."""
    pairs_now: str
    trained_before: dict[str, object]
    """What the card of the old checkpoint tells of its pairs."""
    trained_now: dict[str, object]
    distances: dict[Dimension, Distance]
    """Of the new training positives from the old ones, as each head of the old critic sees them."""
    new_pairs: list[Kept]
    """Held-out pairs of the new manifest; they also chose the epoch."""
    old_pairs: list[Kept]
    """Held-out pairs of the old manifest: forgetting. Empty if it was not given."""


def look_back(
    start: Path,
    pairs: Path | None,
    images: Path | None,
    tokens: Path,
    device: str = "cpu",
    dtype: str = "auto",
    workers: int | None = None,
    report: Progress | None = None,
) -> Before:
    """Load the critic to start from, and the tokens of its old held-out pairs, before anything is trained.

    Args:
        start: its checkpoint.
        pairs: old manifest or its folder; None if it is not at hand.
        images: folder that its paths are relative to.
        tokens: folder of the token cache; only held-out pairs are added.
        device: of the backbone.
        dtype: of the backbone.
        workers: processes on the CPU; None takes one per core.
        report: told about the progress.

    Raises:
        InputError: no checkpoint, no manifest, or the cache is of another backbone.
    """
    network, card = checkpoint.load(start)
    if pairs is None or images is None:
        return Before(start, network, card, pairs, (), None)
    held_out = read_comparisons(pairs, card.recipe.pairs).held_out

    def needed(pair: Pair) -> bool:
        return pair.split == "held-out" and takes(card.recipe.pairs, pair)

    cache = fill_cache(pairs, images, card.recipe.backbone, tokens, device, dtype, workers, report, needed)
    return Before(start, network, card, pairs, held_out, cache)


def evolution(before: Before, made: Trained, pairs: Path) -> Evolution:
    """Compare the critic as it was with the adapted one.

    Args:
        before: from `look_back`.
        made: the adapted one.
        pairs: that it was adapted to, manifest or its folder.
    """
    network, after, source = before.network, made.ranked.network, made.source
    distances = {
        name: distance(cloud_of(network, source, made.sides.train, name), before.card.tokens, name)
        for name in network.dimensions
        if any(one.dimension == name for one in made.sides.train)
    }
    old = TokenSource(source.backbone, before.cache) if before.cache is not None else source
    return Evolution(
        checkpoint_before=str(before.checkpoint),
        checkpoint_now=str(made.checkpoint),
        pairs_before=str(before.pairs or ""),
        pairs_now=str(pairs),
        trained_before=before.card.trained_on,
        trained_now=made.card.trained_on,
        distances=distances,
        new_pairs=_kept(network, after, source, made.sides.held_out),
        old_pairs=_kept(network, after, old, before.held_out),
    )


def _kept(
    before: CriticNetwork, after: CriticNetwork, source: TokenSource, pairs: Sequence[Comparison]
) -> list[Kept]:
    found = []
    for dimension in before.dimensions:
        own = [one for one in pairs if one.dimension == dimension]
        if not own:
            continue
        then, now = (pair_scores(network, source, own) for network in (before, after))
        right_then, right_now = credit(then), credit(now)
        rows = _sides(own)
        found.append(
            Kept(
                dimension=dimension,
                before=float(right_then.mean()),
                after=float(right_now.mean()),
                change=paired_change(right_now, right_then, [one.group for one in own]),
                tau=krcc(then.ravel()[rows], now.ravel()[rows]).value,
                sides=len(rows),
            )
        )
    return found


def _sides(pairs: Sequence[Comparison]) -> list[int]:
    """Where each side stands first among the two sides of each pair."""
    places: dict[object, int] = {}
    for row, one in enumerate(pairs):
        places.setdefault(one.better, 2 * row)
        places.setdefault(one.worse, 2 * row + 1)
    return list(places.values())


EVOLUTION_JSON, EVOLUTION_MD = "evolution.json", "evolution.md"
TITLE = "# What adapting a critic did"
NOTES = (
    "Distance: between the new training positives and those of the old checkpoint, as each head of the old critic "
    "sees them, in standard deviations of the old ones, root mean square over channels; 0: the same source. What "
    "the number of images alone adds is taken away. The yardstick: 95 % of random halves of the old images lie "
    "nearer to each other. 95 % interval of a bootstrap over groups of the new images.",
    "Reading: the lower end of the interval decides. Above the yardstick, the new images are farther from the old "
    "ones than those are from each other; otherwise chance may explain the distance, even one above the yardstick.",
    "Before, after: share of held-out pairs in the right order, ties as half; the change is paired on the same "
    "pairs, its interval a bootstrap over groups. The new pairs also chose the epoch, which flatters their after.",
    "tau: Kendall's tau-b of the raw scores of all sides before and after; 1: no two images changed places.",
)
FARTHER = "farther: the interval begins above the yardstick"
CHANCE = "chance may explain it: the interval does not begin above the yardstick"
NO_OLD_PAIRS = (
    "Forgetting was not measured: name the old pairs with --old-pairs, and their images with --old-images."
)


def write_evolution(found: Evolution, folder: Path) -> Path:
    """Write `evolution.json` and `evolution.md`; returns the latter.

    Raises:
        EliqBenchError: the folder cannot be written; the checkpoint in it is kept.
    """
    advice = "the checkpoint is kept"
    json, text = found.model_dump_json(indent=1) + "\n", markdown(found)
    write_whole(folder / EVOLUTION_JSON, lambda path: path.write_text(json, encoding="utf-8"), advice)
    write_whole(folder / EVOLUTION_MD, lambda path: path.write_text(text, encoding="utf-8"), advice)
    return folder / EVOLUTION_MD


def markdown(found: Evolution) -> str:
    """What was adapted to what, how far that is, what was gained, what was forgotten; ends with a newline."""
    lines = [_distance_line(name, one) for name, one in found.distances.items()]
    heads = ("head", "images (groups)", "distance [95 %]", "yardstick", "reading")
    far = tabulate(lines, heads, tablefmt="github", disable_numparse=True)
    kept = [("new", one) for one in found.new_pairs] + [("old", one) for one in found.old_pairs]
    headers = ("held-out pairs", "dimension", "n (groups)", "before", "after", "change [95 %]", "p", "tau")
    order = tabulate([_kept_line(*one) for one in kept], headers, tablefmt="github", disable_numparse=True)
    notes = list(NOTES) if found.old_pairs else [*NOTES, NO_OLD_PAIRS]
    return "\n\n".join([TITLE, _story(found), far, order, "\n".join(f"- {note}" for note in notes)]) + "\n"


def _story(found: Evolution) -> str:
    """Which critics and pairs are called old and new."""
    rows = [
        ("old", found.checkpoint_before, *_trained_on(found.trained_before), found.pairs_before),
        ("new", found.checkpoint_now, *_trained_on(found.trained_now), found.pairs_now),
    ]
    lines = [
        (which, f"`{critic}`", *told, f"`{path}`" if path else "–") for which, critic, *told, path in rows
    ]
    headers = ("", "checkpoint", "trained on manifest", "positives (generators)", "pairs, as given")
    return tabulate(lines, headers, tablefmt="github", disable_numparse=True)


def _trained_on(card: Mapping[str, object]) -> tuple[str, str]:
    """Of what a checkpoint's card tells; another program may have written less."""
    manifest, positives, generators = (
        card.get(key, "–") for key in ("manifest_sha256", "positives", "generators")
    )
    return f"`{str(manifest)[:16]}`", f"{positives} ({generators})"


def _distance_line(name: str, one: Distance) -> tuple[str, ...]:
    size = f"{one.images:,} ({one.groups:,})"
    if one.reason:
        return name, size, "–", "–", one.reason
    reading = FARTHER if one.farther else CHANCE
    return name, size, f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]", f"{one.yardstick:.3f}", reading


def _kept_line(which: str, one: Kept) -> tuple[str, ...]:
    size = f"{one.change.n:,} ({one.change.groups:,})"
    tau = "–" if math.isnan(one.tau) else f"{one.tau:.3f}"
    return which, one.dimension, size, f"{one.before:.3f}", f"{one.after:.3f}", *_change(one.change), tau


def _change(change: Change) -> tuple[str, str]:
    if change.reason:
        return f"{change.value:+.3f} ({change.reason})", "–"
    return f"{change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]", f"{change.p:.4f}"
