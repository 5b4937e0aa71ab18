"""From a card to a verified dataset."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eliq_bench.cards import DatasetCard, LabelCard, LabelFile
from eliq_bench.datasets.images import Place, find_images
from eliq_bench.datasets.locate import NotHereError, find_labels, homes, image_places, missing, own_folder
from eliq_bench.datasets.verify import check_items, content_sha256
from eliq_bench.errors import InputError, first_names, plural
from eliq_bench.io.contained import contained
from eliq_bench.registry import resolve
from eliq_bench.types import Compared, Dataset, Items, KnownPair

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
    if card.unavailable:
        raise InputError(f"{card.name} cannot be loaded: {card.unavailable}; {card.download} ({card.page}).")
    hashed, here, folder = _with_labels(card, roots)
    items, pairs = _read(here, folder)
    check_items(card, items, len(pairs) // len(card.dimensions))
    items = orient(card, items)
    notes = [*card.defects, *_unknown_files(card, hashed)]
    if all(image is None for image in items.image):
        items, attached = _attach(items, [*image_places(card, roots), Place(folder)], labels_only)
        notes += attached
    if not labels_only and all(image is None for image in items.image):
        what = f"none of its {len(items):,} images (such as {items.name[0]}) was found"
        raise NotHereError(missing(card, what, roots))
    return Dataset(card=hashed, items=items, notes=tuple(notes), pairs=pairs)


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


def _with_labels(card: DatasetCard, roots: Sequence[Path]) -> tuple[DatasetCard, DatasetCard, Path]:
    """The card with all hashes, the card with the names of its label files as they are here, and their folder."""
    if card.labels:
        found = find_labels(card, roots)
        pairs = list(zip(card.labels, found.files, strict=True))
        here = tuple(part.model_copy(update={"file": file}) for part, files in pairs for file in files)
        known = tuple(part if part.sha256 else _hashed(part, found.folder, files) for part, files in pairs)
        return card.model_copy(update={"labels": known}), card.model_copy(update={"labels": here}), found.folder
    if card.truth == "known degradations":
        return card, card, own_folder(card)  # built, not downloaded: never written into a user's data
    return card, card, next(homes(card, roots), own_folder(card))


def _hashed(part: LabelFile, folder: Path, files: Sequence[str]) -> LabelFile:
    """With the hash of the file, or of the hashes of all shards."""
    each = [content_sha256(folder / file) for file in files]
    together = each[0] if len(each) == 1 else hashlib.sha256("\n".join(each).encode()).hexdigest()
    return part.model_copy(update={"sha256": together})


def _read(card: DatasetCard, folder: Path) -> tuple[Items, tuple[KnownPair, ...]]:
    with contained(f"The reader of {card.name}"):
        found: Items | Compared = resolve(card.reader)(card, folder)
    return (found.items, found.pairs) if isinstance(found, Compared) else (found, ())


def _unknown_files(card: DatasetCard, hashed: DatasetCard) -> list[str]:
    """A sentence for each label file of which the card has no hash, unless it knows the means."""
    if all(label.mean is not None for label in card.dimensions.values()):
        return []
    return [
        f"Its card knows no hash of {part.file}; the one read here has sha256 {part.sha256}."
        for known, part in zip(card.labels, hashed.labels, strict=True)
        if not known.sha256
    ]


def _attach(items: Items, places: Sequence[Place], labels_only: bool) -> tuple[Items, list[str]]:
    match = find_images(items.name, places)
    items = replace(items, image=match.images)
    notes = [missing_images_note(items, labels_only)]
    if match.extra:
        count = plural(len(match.extra), "image")
        notes.append(f"{count} without label row left out: {first_names(match.extra)}.")
    return items, [note for note in notes if note]
