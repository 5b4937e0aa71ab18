"""The types that all packages share: items, datasets, batches, scores, fingerprints.

Nothing here imports torch or pandas, so that listing, planning and evaluating stay light.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from eliq_bench.stats.statistic import Floats
from eliq_bench.cards import DatasetCard, ModelCard
from eliq_bench.vocabulary import Status

NO_PROMPT = "the item has no prompt"
"""The reason beside a score that is `undefined` since its model had to read one."""


Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total) while something long goes on."""


@dataclass(frozen=True)
class Fingerprint:
    """What identifies a model exactly; equal fingerprints give equal scores for equal bytes."""

    model: str
    version: int
    weights: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    packages: tuple[tuple[str, str], ...]
    dtype: str
    decoder: str

    def to_json(self) -> str:
        """Canonical JSON, the text that is hashed."""
        return json.dumps(self.__dict__, sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the sha256 of `to_json()`."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class VirtualImage:
    """An image that no file holds: a file degraded by a recipe, computed each time it is needed."""

    source: Path
    mode: str
    severity: int
    seed: int
    pixels: str
    """Hash of its pixels as the manifest has it; what comes out otherwise gets no score."""

    def __str__(self) -> str:
        return f"{self.source}#{self.mode}-{self.severity}-{self.seed}"


ImageSource = Path | VirtualImage


class KnownPair(NamedTuple):
    """Two items of which one is known to be better on one dimension, as degraded here or as people preferred."""

    pair: str
    """Its identity in the manifest or the label file."""
    positive: int
    """Position among the items."""
    negative: int
    dimension: str
    cell: str
    """Family and aspect, such as `conventional/technical`."""
    mode: str
    """Of the degradation; empty for a preference."""
    severity: int
    """Of the degradation; for a preference how many ranks the two are apart, 0 if only the better one is known."""
    simulated: bool
    """True where an artefact of generators is imitated without one."""
    generated: bool
    """True if the positive names its generator; else it is a photograph, or nothing is known."""
    group: str
    """What the bootstrap resamples as a whole."""


@dataclass(frozen=True)
class Items:
    """The rows of a dataset, as columns of equal length n.

    `labels`, `label_std` and `label_n` map a dimension to a float64 array (n,); labels are already flipped
    so that higher is better, NaN where an item has none. `image` is None where only labels are known.
    """

    name: tuple[str, ...]
    image: tuple[ImageSource | None, ...]
    prompt: tuple[str | None, ...]
    generator: tuple[str | None, ...]
    """Finest name of what made the image, including its setting; None for photographs."""
    generator_family: tuple[str | None, ...]
    """Coarser name, equal to `generator` where the dataset knows no settings."""
    group: tuple[str, ...]
    labels: "dict[str, Floats]" = field(default_factory=dict)
    label_std: "dict[str, Floats]" = field(default_factory=dict)
    label_n: "dict[str, Floats]" = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.name)

    def take(self, rows: Sequence[int]) -> "Items":
        """The items at these positions, in this order."""
        import numpy as np

        index = np.asarray(rows, dtype=np.intp)

        def pick(column: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(column[i] for i in index)

        def pick_all(columns: "dict[str, Floats]") -> "dict[str, Floats]":
            return {key: values[index] for key, values in columns.items()}

        return Items(
            name=pick(self.name),
            image=pick(self.image),
            prompt=pick(self.prompt),
            generator=pick(self.generator),
            generator_family=pick(self.generator_family),
            group=pick(self.group),
            labels=pick_all(self.labels),
            label_std=pick_all(self.label_std),
            label_n=pick_all(self.label_n),
        )

    def to_frame(self) -> "pd.DataFrame":
        """The same columns as a pandas table, labels as `<dimension>`, `<dimension>_std`, `<dimension>_n`."""
        import pandas as pd

        columns: dict[str, Any] = {
            "name": self.name,
            "image": [None if path is None else str(path) for path in self.image],
            "prompt": self.prompt,
            "generator": self.generator,
            "generator_family": self.generator_family,
            "group": self.group,
        }
        columns |= self.labels
        columns |= {f"{dimension}_std": values for dimension, values in self.label_std.items()}
        columns |= {f"{dimension}_n": values for dimension, values in self.label_n.items()}
        return pd.DataFrame(columns)


def plain_items(names: tuple[str, ...], images: tuple[ImageSource | None, ...] = ()) -> Items:
    """Items without prompts, generators and labels, each its own group.

    Args:
        names: (n,).
        images: (n,), or empty where no image is known yet.
    """
    nothing = (None,) * len(names)
    return Items(
        name=names,
        image=images or nothing,
        prompt=nothing,
        generator=nothing,
        generator_family=nothing,
        group=names,
    )


PREFERENCE = "preference"
"""The cell of pairs of which people preferred one image."""


class Compared(NamedTuple):
    """What a reader returns where people compared images of one prompt instead of rating each."""

    items: Items
    """Without labels."""
    pairs: tuple[KnownPair, ...]
    """Which of two items people preferred, once for each dimension of the card."""


@dataclass(frozen=True)
class Dataset:
    """A verified benchmark: its card, its items, and notes for the reader of its tables."""

    card: DatasetCard
    items: Items
    notes: tuple[str, ...] = ()
    """Sentences found while loading, for example how many images are missing."""
    subset: str = ""
    """Description of the subset, empty for the whole dataset; a subset never enters a leaderboard."""
    pairs: tuple[KnownPair, ...] = ()
    """What is known instead of labels, in a dataset made from pairs or of preferences."""


@dataclass(frozen=True)
class Batch:
    """Equal-sized inputs for one call of a scorer: what its `prepare` made, stacked to (B, ...)."""

    images: "NDArray[Any]"
    prompts: tuple[str, ...]
    """One per image; empty for a model that reads none."""


@dataclass(frozen=True)
class Scores:
    """One float64 array (B,) per dimension; NaN where the score is undefined, with the reason beside it."""

    values: "dict[str, Floats]"
    reasons: tuple[str, ...] = ()
    """Empty, or one sentence per image, empty where all dimensions are defined."""


@dataclass(frozen=True)
class Features:
    """One array (B, D) per dimension; a row that is not finite is undefined, with the reason beside it."""

    values: "dict[str, NDArray[np.floating[Any]]]"
    reasons: tuple[str, ...]
    """One sentence per image, read where its row is not finite."""


class Scorer(Protocol):
    """The object that turns images, and prompts where the model reads them, into scores."""

    card: ModelCard

    def prepare(self, image: "NDArray[np.uint8]") -> "NDArray[Any]":
        """Input of `score` for one decoded RGB image (H, W, 3); deterministic, on the CPU."""
        ...

    def score(self, batch: Batch) -> Scores:
        """Scores in the model's own direction; neither order nor size of the batch may change them."""
        ...


class FeatureScorer(Scorer, Protocol):
    """A scorer that the probe protocol can use; its card lists `probe`."""

    def features(self, batch: Batch) -> "dict[str, NDArray[np.floating[Any]]]":
        """What the model knows of each image for each dimension of its card, (B, D); kept as float32.

        D may differ between dimensions, never between images. A row that is not finite: undefined for this image.
        Neither order nor size of the batch may change the rows.
        """
        ...


@dataclass(frozen=True)
class ItemTable:
    """The items of one dataset with the content hash of each image (empty where there is none)."""

    dataset: str
    items: Items
    sha256: tuple[str, ...]
    """Of the file; of the pixels where the image is virtual."""
    pairs: tuple[KnownPair, ...] = ()


@dataclass(frozen=True)
class ScoreColumn:
    """Scores of one model for one dimension on all n items of a dataset, in the model's own direction."""

    dataset: str
    model: str
    fingerprint: str
    dimension: str
    score: "Floats"
    """NaN where the status is not `ok`, (n,)."""
    status: tuple[Status | Literal["missing"], ...]
    """`missing`: there is no image."""
    reason: tuple[str, ...]
    seconds: "Floats"
