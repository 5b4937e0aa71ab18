"""Scores that were computed elsewhere, put into the store under an identity that says so.

The fingerprint of an imported model names the model, the sha256 of the file, the columns read, and where the scores
come from; its decoder is the word `imported`, which no model that runs here has. So an imported score can neither
pass for one of ours nor be mixed with one from another file.

The key of a score is, as for every other, the content of the image and the prompt of the item. Two cases have no
such key: the image is not here, or two items share content and prompt, where the file may hold two scores. Their
place is taken by the sha256 of the names of dataset and item, see `item_key`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eliq_bench.cards import ModelCard
from eliq_bench.errors import InputError
from eliq_bench.runner.plan import ModelSpec
from eliq_bench.runner.store import ScoreRow, ScoreStore, prompt_key
from eliq_bench.types import Fingerprint, ImageSource, Items, ScoreColumn
from eliq_bench.vocabulary import Direction, Supervision

if TYPE_CHECKING:
    from eliq_bench.stats.statistic import Floats

IMPORTED = "imported"
VERSION = 1
"""Of what an import means; raise it when the same file would give other scores."""
NO_ROW = "the imported file has no row for this image"
NO_NUMBER = "the imported file has no number for this image"
TOLERANCE = 1e-9
"""Nothing is computed, so nothing may move: this leaves room for the text of a number only."""


@dataclass(frozen=True)
class Declared:
    """What the importer declares about the scores. It cannot be checked here, so it is shown with the numbers."""

    origin: str
    """Where the scores come from: a repository with its commit, a paper, a person."""
    supervision: Supervision
    dimension: str = "quality"
    direction: Direction = "higher"
    trained_on: tuple[str, ...] = ()
    licence: str = "not stated"


@dataclass(frozen=True)
class Imported:
    """One model's scores on all n items of a dataset."""

    spec: ModelSpec
    column: ScoreColumn
    added: int
    """Scores that the store did not hold before."""


def make_imported_spec(model: str, columns: str, sha256: str, declared: Declared) -> ModelSpec:
    """A model that can be evaluated like any other, and never run.

    Args:
        model: its name in tables.
        columns: what was read from the file, such as `x.good - x.poor`.
        sha256: of the file.
        declared: origin, direction and licence of the scores.
    """
    statement = {
        "columns": columns,
        "dimension": declared.dimension,
        "direction": declared.direction,
        "origin": declared.origin,
    }
    card = ModelCard(
        name=model,
        summary=f"scores computed elsewhere, read from {columns}",
        dimensions={declared.dimension: declared.direction},
        supervision=declared.supervision,
        trained_on=declared.trained_on,
        code_licence=declared.licence,
        weights_licence=declared.licence,
        tolerance=TOLERANCE,
        target=IMPORTED,
    )
    identity = Fingerprint(
        model=model,
        version=VERSION,
        weights=(("imported scores", sha256),),
        options=tuple((key, json.dumps(statement[key])) for key in sorted(statement)),
        packages=(),
        dtype="float64",
        decoder=IMPORTED,
    )
    return ModelSpec(card, {}, IMPORTED, "float64", identity)


def item_key(dataset: str, name: str) -> str:
    """Key of an item that no content identifies: 64 hexadecimal digits, as of an image.

    >>> item_key("livec", "10.bmp")[:16]
    '7ea7e83231279651'
    """
    return hashlib.sha256(json.dumps(["item", dataset, name]).encode()).hexdigest()


def item_keys(dataset: str, items: Items, hashes: Mapping[ImageSource, str]) -> list[tuple[str, str]]:
    """(image key, prompt key) of each item, all different."""
    known = [
        (hashes.get(path, "") if path else "", prompt_key(prompt))
        for path, prompt in zip(items.image, items.prompt, strict=True)
    ]
    count = Counter(known)
    return [
        key if key[0] and count[key] == 1 else (item_key(dataset, name), key[1])
        for key, name in zip(known, items.name, strict=True)
    ]


def import_column(
    spec: ModelSpec,
    dataset: str,
    keys: Sequence[tuple[str, str]],
    rows: Sequence[int | None],
    values: "Floats",
    store: ScoreStore,
) -> Imported:
    """Store the scores of one model and give them as a column.

    An item without a row, or with an empty cell, is `undefined` and is not stored: a corrected file is another file.

    Args:
        spec: from `make_imported_spec`.
        dataset: name of the dataset.
        keys: (n,) from `item_keys`.
        rows: (n,) row of each item, None where there is none.
        values: one score per row of the file, in the model's own direction.
        store: is written to.

    Raises:
        InputError: the store holds another score under this identity.
        EliqBenchError: the store cannot be written.
    """
    (dimension,) = spec.card.dimensions
    digest = spec.fingerprint.digest
    score = np.array([np.nan if row is None else values[row] for row in rows], dtype=np.float64)
    defined = np.isfinite(score)
    known = store.rows(digest)
    fresh = []
    for (image, prompt), value, usable in zip(keys, score.tolist(), defined, strict=True):
        if not usable:
            continue
        stored = known.get((image, prompt, dimension))
        if stored is None:
            fresh.append(ScoreRow(digest, image, prompt, dimension, value, "ok", "", 0.0))
        elif stored.score != value:
            raise InputError(
                f"The store {store.path} holds another score of {spec.card.name} from this very file for an image "
                f"that had another name then; say so in --origin, so that the two are kept apart."
            )
    store.declare(spec.fingerprint)
    store.add(fresh)
    column = ScoreColumn(
        dataset=dataset,
        model=spec.card.name,
        fingerprint=digest,
        dimension=dimension,
        score=score,
        status=tuple("ok" if usable else "undefined" for usable in defined),
        reason=tuple(
            "" if usable else NO_ROW if row is None else NO_NUMBER
            for row, usable in zip(rows, defined, strict=True)
        ),
        seconds=np.zeros(len(score)),
    )
    return Imported(spec, column, len(fresh))
