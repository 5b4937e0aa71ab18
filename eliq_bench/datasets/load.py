"""From a card to a verified dataset."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eliq_bench.cards import DatasetCard, LabelCard
from eliq_bench.datasets.images import Place, find_images
from eliq_bench.datasets.locate import NotHereError, find_labels, homes, image_places, missing, own_folder
from eliq_bench.datasets.verify import check_items
from eliq_bench.errors import first_names, plural
from eliq_bench.io.contained import contained
from eliq_bench.registry import resolve
from eliq_bench.types import Dataset, Items

if TYPE_CHECKING:
    from eliq_bench.stats.statistic import Floats


def load_card(card: DatasetCard, roots: Sequence[Path], labels_only: bool = False) -> Dataset:
    """Read, verify and orient a dataset; its notes begin with the card's defects.

    Rows whose image is not here stay, with image None, so that coverage is counted over all rows.

    Args:
        card: the catalogue entry.
        roots: folders to search, from `locate.data_roots`.
        labels_only: True where scores come from elsewhere and no image is needed. Images that are here are
            attached all the same.

    Raises:
        InputError: files are missing or wrong, or a check of `verify` fails.
    """
    folder = _label_folder(card, roots)
    with contained(f"The reader of {card.name}"):
        items: Items = resolve(card.reader)(card, folder)
    check_items(card, items)
    items = orient(card, items)
    notes = list(card.defects)
    if all(image is None for image in items.image):
        items, attached = _attach(items, [*image_places(card, roots), Place(folder)], labels_only)
        notes += attached
    if not labels_only and all(image is None for image in items.image):
        what = f"none of its {len(items):,} images (such as {items.name[0]}) was found"
        raise NotHereError(missing(card, what, roots))
    return Dataset(card=card, items=items, notes=tuple(notes))


def orient(card: DatasetCard, items: Items) -> Items:
    """The same items with every label turned so that higher is better, as if read on the mirrored scale."""
    labels = {dimension: flip(card.dimensions[dimension], values) for dimension, values in items.labels.items()}
    return replace(items, labels=labels)


def flip(label: LabelCard, values: "Floats") -> "Floats":
    """Labels (n,) mirrored within their scale if lower is better, so that 0..100 stays 0..100."""
    return values if label.direction == "higher" else sum(label.scale) - values


def missing_images_note(items: Items, labels_only: bool = False) -> str:
    """A sentence about the rows without image; empty if every row has one.

    Args:
        items: of the dataset.
        labels_only: True where scores come from elsewhere, so that a row without image may have one.
    """
    lost = [name for name, image in zip(items.name, items.image, strict=True) if image is None]
    if len(lost) == len(items):
        return "Labels only: no image of this dataset was found."
    if not lost:
        return ""
    unscored = "" if labels_only else " and get no score"
    return f"{len(lost):,} of {len(items):,} rows have no image here{unscored}: {first_names(lost)}."


def _label_folder(card: DatasetCard, roots: Sequence[Path]) -> Path:
    if card.labels:
        return find_labels(card, roots)
    if card.truth == "known degradations":
        return own_folder(card)  # built, not downloaded: never written into a user's data
    return next(homes(card, roots), own_folder(card))


def _attach(items: Items, places: Sequence[Place], labels_only: bool) -> tuple[Items, list[str]]:
    match = find_images(items.name, places)
    items = replace(items, image=match.images)
    notes = [missing_images_note(items, labels_only)]
    if match.extra:
        count = plural(len(match.extra), "image")
        notes.append(f"{count} without label row left out: {first_names(match.extra)}.")
    return items, [note for note in notes if note]
