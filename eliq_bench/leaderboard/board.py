"""The file of a leaderboard: everything needed to render it, and to compute it again when a model is added.

`leaderboards/<dataset>.json` is the model `Board` as JSON; its JSON Schema is committed beside that of results.
Per-item scores are kept for every board. Labels are kept only where the dataset's licence lets them be passed
on; elsewhere the file has the statistics, the tests and a coarse grid of counts, and labels come with each run that is
added.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from eliq_bench.errors import InputError, describe
from eliq_bench.results.records import DatasetRecord, ModelRecord, Number, Record, Row
from eliq_bench.vocabulary import Status

BOARD_VERSION = 1

FREE_LICENCES = frozenset(("MIT", "Apache-2.0", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0"))
"""Licences, stated on a dataset's card without any reservation, under which its labels may be passed on."""


class CodedColumn(Record):
    """A column of names, such as the generator or the prompt of each item."""

    names: list[str] = Field(default_factory=list)
    """Empty where only equality matters, as for prompts."""
    codes: str
    """Packed codes (n,): positions in `names`, or numbers in order of first appearance."""


class BoardItems(Record):
    """What the statistics need to know about the n items; neither images nor prompts nor names."""

    count: int
    names_sha256: str
    """Of the item names, one per line, in order: the item set that every added run must have."""
    labels_sha256: dict[str, str]
    """Per dimension, of the label values as little-endian float64."""
    content_sha256: str = ""
    """Of the content hashes of all images, one per line; empty until a run with all images is added."""
    groups: CodedColumn
    """What the bootstrap resamples: groups of the card, joined where images are equal byte for byte."""
    prompts: CodedColumn | None = None
    generators: CodedColumn | None = None
    families: CodedColumn | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    """Packed labels (n,) per dimension, higher is better; empty where the licence does not let us keep them."""
    label_std: dict[str, str] = Field(default_factory=dict)
    label_n: dict[str, str] = Field(default_factory=dict)


class Provenance(Record):
    """Where and when the scores of a model were made."""

    created: str
    eliq_bench: str
    device: str
    packages: dict[str, str] = Field(default_factory=dict)


class BoardModel(Record):
    """A model on the board."""

    model: ModelRecord
    made: Provenance


class BoardScores(Record):
    """Scores of one model for one dimension on all items, in the model's own direction."""

    model: str
    dimension: str
    values: str
    """Packed float64 (n,), NaN where there is none."""
    lost: dict[int, Status | Literal["missing"]] = Field(default_factory=dict)
    """Item without a score to the reason; blank images only."""


class BoardRow(Row, frozen=True):
    """A row of a table, with its rank among the ranked models."""

    score_dimension: str
    """The dimension that the score was made for. If it is not the dimension of the row, the row is a control: shown for
    comparison and not ranked."""
    partial: Number = None
    """Spearman correlation with this label, another held fixed: of a control the label of its own dimension, of
    other rows the one other label that the dataset has, if it has just one."""
    rank: int | None = None
    rank_low: Number = None
    """Best rank within the 95 % interval over resamples."""
    rank_high: Number = None

    @property
    def control(self) -> bool:
        """True for a score that was made for another dimension."""
        return self.score_dimension != self.dimension


class BoardPair(Record, frozen=True):
    """One paired test on the items that both models scored."""

    a: str
    """The model with the higher SRCC; of a pair with a control, the control."""
    b: str
    difference: Number
    low: Number
    high: Number
    p: Number
    p_holm: Number
    """Corrected for all pairs of its family: those of ranked models, or those with a control."""
    n: int
    p_holm_error: Number = None
    """Monte-Carlo standard error of p_holm: how much it would vary with the seed."""
    p_is_bound: bool = False
    """True if no resample fell on the other side of 0: p and p_holm are upper bounds."""
    n_resamples: int | None = None
    """Resamples that p rests on: more than those of the table where p_holm is near the level."""
    control: bool = False
    """True for the pairs of the best control: with the next control, and with the best model."""


class GroupValue(Record):
    """Agreement inside one generator."""

    name: str
    n: int
    srcc: Number


class CountGrid(Record):
    """Counts of items by score and label: a scatter plot too coarse to give labels away."""

    score_edges: tuple[float, float]
    label_edges: tuple[float, float]
    columns: int
    rows: int
    counts: str
    """Packed (columns x rows), column by column, each from the lowest label up; cells below `smallest` are 0."""
    smallest: int
    left_out: int
    """Items in the cells that are not shown."""


class ModelView(Record):
    """Details of one row: how its scores relate to the labels."""

    model: str
    curve: list[tuple[float, float]] = Field(default_factory=list)
    """Logistic curve fitted to all items, as points (own score, label); empty where none can be fitted."""
    generators: list[GroupValue] = Field(default_factory=list)
    prompts: list[int] = Field(default_factory=list)
    """Prompts by their SRCC: counts in 20 equal bins from -1 to 1; empty without prompts."""
    prompts_left_out: int = 0
    """Prompts with fewer than 3 items or a constant side."""
    best_of_prompt: Number = None
    best_of_prompt_chance: Number = None
    grid: CountGrid | None = None
    """Where labels are not kept."""


class BoardTable(Record):
    """The table of one dimension."""

    dimension: str
    resamples: int
    n_groups: int
    rows: list[BoardRow]
    """By falling SRCC, undefined ones last."""
    pairs: list[BoardPair]
    views: list[ModelView]


class Board(Record):
    """The leaderboard of one dataset under one protocol."""

    schema_version: Literal[1] = 1
    protocol: Literal["zero-shot", "probe"]
    dataset: DatasetRecord
    eliq_bench: str
    """Version that computed the tables."""
    seed: int
    items: BoardItems
    models: list[BoardModel]
    scores: list[BoardScores]
    tables: list[BoardTable]

    @property
    def keeps_labels(self) -> bool:
        """True if the labels are in the file."""
        return bool(self.items.labels)

    def model(self, name: str) -> BoardModel | None:
        """A model of the board by its name."""
        return next((entry for entry in self.models if entry.model.name == name), None)

    def table(self, dimension: str) -> BoardTable:
        """The table of a dimension.

        Raises:
            KeyError: the board has none.
        """
        for table in self.tables:
            if table.dimension == dimension:
                return table
        raise KeyError(dimension)

    @classmethod
    def load(cls, path: Path) -> "Board":
        """Read a board.

        Raises:
            InputError: it cannot be read, or is not of this schema.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise InputError(f"The board {path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise InputError(
                f"{path} is not a leaderboard of schema {BOARD_VERSION} ({place}: {first['msg']})."
            ) from error

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


def may_keep_labels(licence: str) -> bool:
    """Whether a dataset's licence lets its labels be passed on.

    >>> may_keep_labels("MIT"), may_keep_labels("none stated"), may_keep_labels("MIT (third party)")
    (True, False, False)
    """
    return licence in FREE_LICENCES


def digest_names(names: tuple[str, ...]) -> str:
    """Sha256 of names, one per line."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def digest_values(values: NDArray[np.float64]) -> str:
    """Sha256 of values as little-endian float64."""
    return hashlib.sha256(values.astype("<f8").tobytes()).hexdigest()


@contextmanager
def without_contradiction(board: Board) -> Iterator[None]:
    """Whatever a board that is a valid document fails of: one part names what another lacks.

    Raises:
        InputError: that happened in the body.
    """
    try:
        yield
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InputError(
            f"The board of {board.dataset.name} contradicts itself ({describe(error)}); add its runs to a new one."
        ) from error
