"""Typed, versioned results of a run: raw numbers with everything needed to trust or repeat them.

`results.json` is this model as JSON; its JSON Schema is committed beside this file. An undefined number is
null and has its reason in `reasons`, never 0.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from eliq_bench.cards import DatasetName
from eliq_bench.errors import InputError
from eliq_bench.registry import resolve
from eliq_bench.vocabulary import Direction, JudgedBy, Supervision, Truth

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
RESULTS_FILE = "results.json"

RowKind = Literal["model", "floor", "generator floor", "noise ceiling"]


def _defined(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_defined)]
"""A statistic: None, and so null in JSON, where it is undefined."""


class Record(BaseModel):
    """Base of all parts of a result."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="null")

    @classmethod
    def of(cls, source: object, **more: Any) -> Self:
        """A record with the fields that `source` has under the same names, and those of `more`."""
        shared = {name: getattr(source, name) for name in cls.model_fields if hasattr(source, name)}
        return cls(**{**shared, **more})


class Row(Record, frozen=True):
    """How well one model's scores agree with one dimension of one dataset."""

    dataset: str
    model: str
    kind: RowKind
    dimension: str
    protocol: Literal["zero-shot", "probe"] = "zero-shot"
    supervision: Supervision | None = None
    """None for rows that are no model: generator floor, noise ceiling."""
    srcc: Number = None
    srcc_low: Number = None
    """Lower end of the 95 % interval of a bootstrap over groups."""
    srcc_high: Number = None
    srcc_se: Number = None
    krcc: Number = None
    plcc: Number = None
    plcc_logistic4: Number = None
    """Pearson correlation after a logistic mapping that did not see the group it maps: mean over 5 divisions into
    folds."""
    plcc_logistic4_spread: Number = None
    """Its standard deviation over these divisions."""
    rmse_logistic4: Number = None
    """Root mean squared error after these mappings, on the scale of the labels."""
    n: int
    """Items with a score and a label."""
    total: int
    """Items with a label, with or without an image."""
    srcc_within_generator: Number = None
    """Mean over generators, through Fisher's z."""
    within_generator_groups: int = 0
    srcc_within_prompt: Number = None
    """Plain mean over prompts."""
    within_prompt_groups: int = 0
    pair_accuracy_within_prompt: Number = None
    """Pairwise accuracy: share of pairs of images of one prompt, with different labels, that the score puts in the
    order of the labels; a tied score counts half, 0.5 is guessing."""
    within_prompt_pairs: int = 0
    """Pairs that this accuracy rests on."""
    acc_eq_within_prompt: Number = None
    """Pairwise accuracy with calibrated ties: share of all pairs of images of one prompt on whose order, or equality,
    score and label agree. How close two scores count as a tie was chosen on other groups."""
    system_tau: Number = None
    """Kendall's tau-b between the mean score and the mean label of the generators."""
    system_accuracy: Number = None
    """Share of pairs of generators whose mean scores stand in the order of their mean labels; a tie counts half."""
    system_soft_accuracy: Number = None
    """Soft pairwise accuracy of generators: 1 minus the mean gap between the confidence that scores and labels give
    to the order of two generators, so that two which people cannot separate ask no more of a score."""
    system_generators: int = 0
    """Generators these three rest on; below 4 they are undefined."""
    missing: int = 0
    """Items without an image."""
    undefined: int = 0
    unreadable: int = 0
    errors: int = 0
    saw_labels: bool = False
    """True if the model was trained on labels of this dataset: the row is struck out."""
    ranked: bool = False
    """False in a subset, for a row that saw the labels, for what is no model, and below full coverage, unless
    only blank images (see the dataset) lack a score."""
    tier: int | None = None
    """Among ranked models, 1 is best; no two of one tier are separated by a paired test."""
    fingerprint: str = ""
    reasons: dict[str, str] = Field(default_factory=dict)

    @property
    def coverage(self) -> float:
        """Share of labelled items that have a score, 0 to 1."""
        return self.n / self.total if self.total else 0.0


class CrossRow(Record, frozen=True):
    """A score dimension against a label dimension: does it measure what it says?"""

    dataset: str
    model: str
    score_dimension: str
    label_dimension: str
    srcc: Number
    partial: dict[str, Number] = Field(default_factory=dict)
    """Partial Spearman correlation given each other label, by its name."""
    n: int


class PairRow(Record, frozen=True):
    """How often one model scores the better image of a pair above the worse one, for some of the pairs.

    The truth is a degradation applied on purpose or, in a dataset of preferences, which of two images people preferred.
    """

    dataset: str
    model: str
    dimension: str
    cell: str
    """Family and aspect, such as `conventional/technical`; `preference` for what people preferred."""
    mode: str = ""
    """Empty: all modes of the cell."""
    severity: int | None = None
    """None: all severities. Of preferences: how many ranks the two are apart."""
    positives: Literal["all", "generated", "other"] = "all"
    """`generated`: the positive names its generator; `other`: photographs, and images of unknown origin."""
    simulated: bool = False
    """True where an artefact of generators is imitated without one."""
    accuracy: Number = None
    """Pairwise accuracy: share of the n pairs in the right order, ties counting half; 0.5 is guessing."""
    low: Number = None
    """Lower end of the 95 % interval."""
    high: Number = None
    interval: Literal["bootstrap", "wilson", ""] = ""
    """Over groups; or Wilson's on the number of groups, where no group repeats or all pairs come out alike."""
    n: int
    """Pairs with both scores."""
    total: int
    """All pairs."""
    tied: int = 0
    groups: int = 0
    missing: int = 0
    """Pairs without one of their images; this and what follows make up the difference of total and n."""
    undefined: int = 0
    unreadable: int = 0
    errors: int = 0
    reason: str = ""
    """Why accuracy or interval is null."""
    lost: str = ""
    """Of the first pair without a score: its image and why."""


class DatasetRecord(Record):
    """The dataset as this run saw it."""

    name: DatasetName
    title: str
    truth: Truth
    items: int
    images: int
    """Items that have an image."""
    dimensions: dict[str, tuple[float, float]]
    """Scale of each dimension."""
    raters: dict[str, int | None] = Field(default_factory=dict)
    label_sha256: dict[str, str] = Field(default_factory=dict)
    variant: str = ""
    licence: str = ""
    citation: str = ""
    group: str = ""
    notes: list[str] = Field(default_factory=list)
    """Known defects with what was done about each, then what was found while loading."""
    labels_of: str = ""
    """Name of the set whose ratings these are, where it is not `name`."""
    blank: list[str] = Field(default_factory=list)
    """Images without content, on which a model may be undefined and is ranked all the same."""
    subset: str = ""
    """Empty for the whole dataset; a subset never enters a leaderboard."""
    reserved: bool = False
    shares_images_with: list[str] = Field(default_factory=list)
    """Datasets that hold some of the same images: a model trained on their labels has seen these."""
    judged_by: JudgedBy = "correlation"


class ModelRecord(Record):
    """The model as this run used it."""

    name: str
    summary: str
    dimensions: dict[str, Direction]
    supervision: Supervision
    trained_on: list[str] = Field(default_factory=list)
    floor: bool = False
    code_licence: str
    weights_licence: str
    needs_prompt: bool = False
    imported_from: str = ""
    """Where its scores come from, if they were computed elsewhere and only evaluated here."""
    tolerance: float
    fingerprint: str
    identity: dict[str, Any] = Field(default_factory=dict)
    """What the fingerprint identifies."""
    images_per_second: float | None = None
    """Of one worker, preparation included, decoding excluded, as measured when its scores were computed."""
    computed: int = 0
    stored: int = 0


def shared_images(datasets: Sequence[DatasetRecord], models: Sequence[ModelRecord]) -> list[str]:
    """A sentence for each model that saw images of a dataset, with labels of another set that holds them too."""
    return [
        f"{model.name} was trained on labels of {other}, which shares images with {dataset.name}: it has seen some."
        for dataset in datasets
        for model in models
        for other in dataset.shares_images_with
        if other in model.trained_on and (dataset.labels_of or dataset.name) not in model.trained_on
    ]


class Environment(Record):
    """Where and how the run was made."""

    command: str
    created: str
    eliq_bench: str
    packages: dict[str, str]
    python: str
    machine: str
    device: str
    batch_size: int
    workers: int
    seed: int
    resamples: int
    wall_seconds: float
    decode_seconds: float
    """Summed over workers."""
    scoring_seconds: float


class Results(Record):
    """All rows of one run, of one protocol."""

    schema_version: Literal[1] = 1
    protocol: Literal["zero-shot", "probe"] = "zero-shot"
    environment: Environment
    datasets: list[DatasetRecord]
    models: list[ModelRecord]
    rows: list[Row]
    cross: list[CrossRow] = Field(default_factory=list)
    pairs: list[PairRow] = Field(default_factory=list)
    """Of datasets made from pairs, which have no labels and so neither `rows` nor `cross`."""
    warnings: list[str] = Field(default_factory=list)
    """Sentences a reader must see, such as a negative SRCC."""

    def dataset(self, name: str) -> DatasetRecord:
        """Record of a dataset of this run."""
        return next(record for record in self.datasets if record.name == name)

    def model(self, name: str) -> ModelRecord:
        """Record of a model of this run."""
        return next(record for record in self.models if record.name == name)

    def to_frame(self) -> "pd.DataFrame":
        """The rows as a pandas table."""
        import pandas as pd

        return pd.DataFrame([row.model_dump() for row in self.rows])

    def to_markdown(self) -> str:
        """The report as markdown, with legend and footnotes."""

        text: str = resolve("eliq_bench.report.markdown:report")(self)  # by name: reports stand above records
        return text

    def __str__(self) -> str:
        return self.to_markdown()

    @classmethod
    def load(cls, run: str | Path) -> "Results":
        """Read the results of a run folder (or a results file).

        Raises:
            InputError: there is none, or it is not of this schema.
        """
        run = Path(run)
        path = run / RESULTS_FILE if run.is_dir() else run
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise InputError(f"{run} holds no {RESULTS_FILE}; give the --out folder of a run.") from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise InputError(f"{path} is not a result of schema {SCHEMA_VERSION} ({place}: {first['msg']}).") from error
