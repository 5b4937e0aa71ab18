"""The report of an adapted critic: as markdown for people, as JSON for programs."""

import math
from collections.abc import Mapping
from pathlib import Path

from tabulate import tabulate

from eliq_bench.eliq.training.credit import Change
from eliq_bench.eliq.training.evolve import Evolution, Kept
from eliq_bench.eliq.training.evolve_distance import Distance
from eliq_bench.report.folder import write_whole

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
