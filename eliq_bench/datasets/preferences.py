"""Readers of sets where people compared images of one prompt: what they preferred becomes pairs, as in `pairs:`.

A pair stands once for each dimension of the card, since a preference weighs all of them; images that people called
equal make no pair.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eliq_bench.cards import DatasetCard
from eliq_bench.datasets.readers import read_json, records_of
from eliq_bench.errors import InputError
from eliq_bench.types import PREFERENCE, Compared, Items, KnownPair

SEED = 0
"""Of the order in which the two images of a choice become rows."""


class _Choice(NamedTuple):
    """One comparison."""

    better: str
    worse: str
    prompt: str
    ranks: int
    """How many ranks apart; 0 if only the better one is known."""


def read_rankings(card: DatasetCard, root: Path) -> Compared:
    """A JSON list of prompts, each with its images and their ranks: every pair of different rank is a preference.

    Args:
        card: `options` holds the keys `prompt`, `images` and `ranks` of a record; rank 1 is best, ties are allowed.
        root: the folder with the label file.

    Raises:
        InputError: a record has other than one rank an image.
    """
    prompt, images, ranks = (card.options[key] for key in ("prompt", "images", "ranks"))
    names: dict[str, str] = {}
    choices: list[_Choice] = []
    for number, record in enumerate(records_of(read_json(root / card.labels[0].file)), start=1):
        if len(record[images]) != len(record[ranks]):
            raise InputError(f"{card.name}: record {number} of {card.labels[0].file} has other than one rank an image.")
        names |= dict.fromkeys(record[images], record[prompt])
        choices += _ranked(record[prompt], record[images], record[ranks])
    return _compared(card, names, choices)


def _ranked(prompt: str, images: Sequence[str], ranks: Sequence[float]) -> Iterator[_Choice]:
    for (a, rank_a), (b, rank_b) in itertools.combinations(zip(images, ranks, strict=True), 2):
        if rank_a != rank_b:
            better, worse = (a, b) if rank_a < rank_b else (b, a)
            yield _Choice(better, worse, prompt, round(abs(rank_a - rank_b)))


def read_choices(card: DatasetCard, root: Path) -> Compared:
    """A JSON list of choices between two images, of which the first was preferred (HPDv3).

    Rows of the two come in a seeded random order: a file that always lists the winner first tells it by the position.

    Args:
        card: `options` holds the keys `prompt`, `better` and `worse` of a record.
        root: the folder with the label file.
    """
    prompt, better, worse = (card.options[key] for key in ("prompt", "better", "worse"))
    records = records_of(read_json(root / card.labels[0].file))
    turned = np.random.default_rng(SEED).random(len(records)) < 0.5
    names: dict[str, str] = {}
    for record, turn in zip(records, turned.tolist(), strict=True):
        both = (record[worse], record[better]) if turn else (record[better], record[worse])
        names |= {name: record[prompt] for name in both if name not in names}
    choices = [_Choice(record[better], record[worse], record[prompt], 0) for record in records]
    return _compared(card, names, choices)


def _compared(card: DatasetCard, prompts: dict[str, str], choices: Sequence[_Choice]) -> Compared:
    """Items in the order of the names, and the pairs of all dimensions."""
    place = {name: row for row, name in enumerate(prompts)}
    nothing: tuple[Any, ...] = (None,) * len(prompts)
    items = Items(
        name=tuple(prompts),
        image=nothing,
        prompt=tuple(prompts.values()),
        generator=nothing,
        generator_family=nothing,
        group=tuple(prompts.values()),
    )
    pairs = tuple(
        KnownPair(
            pair=f"{dimension}-{number}",
            positive=place[choice.better],
            negative=place[choice.worse],
            dimension=dimension,
            cell=PREFERENCE,
            mode="",
            severity=choice.ranks,
            simulated=False,
            generated=True,
            group=choice.prompt,
        )
        for dimension in card.dimensions
        for number, choice in enumerate(choices)
    )
    return Compared(items, pairs)
