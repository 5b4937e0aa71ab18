"""The checks a dataset must pass before anything is computed; a failing one is refused in one sentence."""

import gzip
import hashlib
import math
from collections import Counter
from pathlib import Path

import numpy as np

from eliq_bench.cards import DatasetCard
from eliq_bench.errors import InputError
from eliq_bench.io.files import open_regular
from eliq_bench.types import Items

# Tripwire means stand on the cards with six decimals.
MEAN_TOLERANCE = 1e-6


def content_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file; of its content if the file is gzipped, since compressors differ."""
    return hashlib.sha256(_content(path)).hexdigest()


def matches_sha256(path: Path, expected: str) -> bool:
    """True if the file is the expected one, or a text that differs from it in line ends only.

    Git and some mirrors change line ends (AGIQA-3K is published with CRLF and also goes around with LF).
    """
    data = _content(path)
    if hashlib.sha256(data).hexdigest() == expected:
        return True
    if b"\0" in data:
        return False
    unix = data.replace(b"\r\n", b"\n")
    other = (unix, unix.replace(b"\n", b"\r\n"))
    return any(hashlib.sha256(text).hexdigest() == expected for text in other)


def check_items(card: DatasetCard, items: Items, pairs: int = 0) -> None:
    """Compare what a reader returned, labels still as in the file, with the card.

    Args:
        card: what it does not know (0 rows, no mean) is not compared.
        items: rows of the reader.
        pairs: how many preferences it gave for each dimension, instead of labels.

    Raises:
        InputError: the number of rows or pairs, a repeated name, the length of a column, a missing dimension,
            a label that is not a finite number, or the mean of a dimension.
    """
    if not len(items):
        raise InputError(f"{card.name} has no rows.")
    if card.images and len(items) != card.images:
        raise InputError(f"{card.name} gives {len(items):,} rows where its card says {card.images:,}.")
    repeated = [name for name, count in Counter(items.name).items() if count > 1]
    if repeated:
        raise InputError(f"{card.name} names {len(repeated)} images more than once, first {repeated[0]}.")
    lengths = {len(column) for column in (items.image, items.prompt, items.generator, items.group)}
    if lengths != {len(items)}:
        raise InputError(f"{card.name}: its reader returned columns of different lengths.")
    if card.pairs and pairs != card.pairs:
        raise InputError(f"{card.name} gives {pairs:,} pairs where its card says {card.pairs:,}.")
    for dimension in () if pairs else card.dimensions:
        _check_dimension(card, items, dimension)


def _check_dimension(card: DatasetCard, items: Items, dimension: str) -> None:
    labels = items.labels.get(dimension)
    if labels is None or labels.shape != (len(items),):
        raise InputError(f"{card.name}: its reader returned no labels for {dimension}.")
    # Known degradations may label an item on one dimension alone; people gave every item a number.
    partial = card.truth == "known degradations" and bool(np.isfinite(labels).any())
    bad = np.flatnonzero(np.isinf(labels) if partial else ~np.isfinite(labels))
    if bad.size:
        raise InputError(f"{card.name} has {bad.size} rows without a {dimension} label, first {items.name[bad[0]]}.")
    expected, mean = card.dimensions[dimension].mean, float(np.nanmean(labels))
    if expected is not None and not math.isclose(mean, expected, rel_tol=MEAN_TOLERANCE, abs_tol=MEAN_TOLERANCE):
        raise InputError(
            f"{card.name}: the mean {dimension} label is {mean:.6f} where its card says {expected:.6f}; "
            f"a wrong file or a shifted column."
        )


def _content(path: Path) -> bytes:
    try:
        with open_regular(path) as stream:
            data = stream.read()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
