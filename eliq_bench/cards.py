"""Cards of datasets and models: immutable records, read from YAML.

Light: listing and planning read cards and import neither torch nor pandas.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from eliq_bench.errors import InputError
from eliq_bench.io.files import check_file_name
from eliq_bench.io.user_yaml import LOADER
from eliq_bench.vocabulary import Direction, JudgedBy, Kind, RunProtocol, SourceKind, Supervision, Terms, Truth

DatasetName = Annotated[str, AfterValidator(check_file_name)]
"""Boards, caches and reports of a dataset are files of its name."""


class Card(BaseModel):
    """Base of all cards: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelCard(Card):
    """What one dimension of a dataset means and which column holds its labels."""

    column: str
    direction: Direction = "higher"
    scale: tuple[float, float]
    std: str | None = None
    """Column with the standard deviation of the single ratings, on the scale of the labels."""
    raters: int | None = None
    mean: float | None = None
    """Mean of the raw labels over all rows: a tripwire against a wrong file or a shifted column."""


class LabelFile(Card):
    """A label file, verified by its sha256, and how many rows (after the card's exclusions) it gives."""

    file: str
    """Its name; a pattern such as `test-*.parquet` stands for all shards of one table."""
    sha256: str = ""
    """Empty where nobody has published it and we have not seen the file: every load then says which one it read, and a
    download is compared with the first one on this machine."""
    rows: int = 0
    """0 where it is not known."""
    aliases: tuple[str, ...] = ()
    """Other names under which the same file goes around."""


class Source(Card):
    """A place from which files of a dataset can be downloaded; the sources of a card are tried in their order."""

    kind: SourceKind
    address: str
    """hub, modelscope: OWNER/NAME; git: OWNER/NAME on GitHub; http: the address of the folder that holds `files`;
    drive: the id of a file or folder; zenodo: the number of the record."""
    gives: tuple[Literal["labels", "images"], ...]
    revision: str = ""
    """hub, git, modelscope: the commit; nothing else stands still."""
    files: tuple[str, ...] = ()
    """Names or patterns (`images/*.jpg`) of files below the address; empty takes all. Archives are unpacked; parts of
    a split zip (`images.zip.part-*`) are read as one."""
    members: tuple[str, ...] = ()
    """Patterns of the members of archives that are wanted; empty takes all images and label files."""
    junk: tuple[str, ...] = ("__MACOSX/*", "._*", ".DS_Store", "Thumbs.db")
    """Patterns of members, or of their last part, that are left out without a word."""
    sha256: dict[str, str] = Field(default_factory=dict)
    """Of single files, by their names in `files`, where it is known."""
    size: int = 0
    """Bytes to download; 0 where nobody has said."""
    note: str = ""
    """What a user should know before it is taken, such as that it is a mirror."""


class DatasetSplit(Card):
    """An official part of a dataset, or one that papers use."""

    rows: int = 0
    """0 where nobody has counted them."""
    column: str = ""
    """Column of the label file whose `value` marks the part; otherwise `file` lists it."""
    value: str = ""
    file: str = ""
    """A list of names beside the labels."""
    sha256: str = ""
    source: str = ""
    """Who made it."""


class DatasetCard(Card):
    """Catalogue entry of a benchmark."""

    name: DatasetName
    title: str
    kind: Kind
    truth: Truth = "human opinion"
    images: int
    """Rows with labels; 0 where it is not known before the labels are here."""
    dimensions: dict[str, LabelCard]
    labels: tuple[LabelFile, ...] = ()
    reader: str
    """`module:function`, called with (card, root) and returning Items, or `Compared` where people compared images; the
    names of the label files in the card are then those found below the root."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the reader needs beyond the columns, for example patterns that give the generator."""
    group: str
    """What the unit of resampling is, in words: prompt, reference image, image."""
    folder: str
    """Folder name under the data root."""
    known_folders: tuple[str, ...] = ()
    """Other names of folders in which the set is handed out or mirrored."""
    licence: str
    terms: Terms = "none-stated"
    terms_evidence: str = ""
    """Where these terms are written."""
    page: str
    download: str
    """How to get it by hand, as one sentence without its full stop."""
    unavailable: str = ""
    """Why nobody outside can load it, such as labels that are kept back; empty for all others."""
    sources: tuple[Source, ...] = ()
    """Where it downloads itself from, in the order in which they are tried; empty: by hand only."""
    splits: dict[str, DatasetSplit] = Field(default_factory=dict)
    shares_images_with: tuple[DatasetName, ...] = ()
    """Sets that hold some of the same images: a model trained on these has seen them."""
    citation: str
    judged_by: JudgedBy = "correlation"
    pairs: int = 0
    """Pairs with a preference, where people compared images; 0 where there are none or nobody has counted them."""
    variant: str = ""
    """Which MOS it is, where several are in circulation."""
    defects: tuple[str, ...] = ()
    """Known defects and what is done about each; repeated under every table."""
    labels_of: str = ""
    """Name of the set whose ratings these are, where several cards offer variants or parts of one set."""
    blank: tuple[str, ...] = ()
    """Images without content, such as all-black ones: a model may be undefined on them and is ranked all the same."""
    reserved: bool = False
    """True for sets kept for independent evaluation: never train, tune or select on them."""


class WeightFile(Card):
    """A file of parameters that a model needs, and where it comes from."""

    file: str
    url: str = ""
    sha256: str = ""
    also_known: tuple[str, ...] = ()
    """sha256 of other files with the same parameters."""
    size: int = 0
    """Bytes; 0 if not known."""
    cache: str = ""
    """Folder in which the wrapped library looks, relative to its cache; see models/weights.py."""


class ModelCard(Card):
    """Registry entry of a quality model."""

    name: str
    summary: str
    dimensions: dict[str, Direction]
    """What it predicts and which way its own score points."""
    supervision: Supervision
    trained_on: tuple[str, ...] = ()
    """Names of the datasets whose human labels it saw."""
    floor: bool = False
    """True for a trivial predictor that any real model must beat."""
    protocols: tuple[RunProtocol, ...] = ("zero-shot",)
    """`zero-shot` if its scorer gives scores, `probe` if it gives features (see `FeatureScorer`)."""
    code_licence: str
    weights_licence: str = "no weights"
    weights: tuple[WeightFile, ...] = ()
    weights_complete: bool = True
    """False if the library may load files beyond those listed."""
    packages: tuple[str, ...] = ()
    """Distributions whose version changes the scores; part of the fingerprint."""
    score_range: tuple[float | None, float | None] = (None, None)
    """Bounds that the code guarantees, None where there is none; for readers of `list models --format json`."""
    needs_prompt: bool = False
    prompt_optional: bool = False
    """True if a model that reads prompts gives some of its dimensions without one; the others are then undefined."""
    prompt_check: str = ""
    """`module:function`, called with prompts: what the model cannot read of some, as the end of a sentence, to these
    prompts. Runs say it; it must be light."""
    max_batch: int | None = None
    """1 where batching is slower or changes the score; None where any size does."""
    min_side: int = 1
    max_pixels: int = 100_000_000
    thread_dependent: bool = False
    """True if float sums make the score depend on the number of threads: it then gets as many as its library would
    take on this machine, and the number is part of the fingerprint."""
    dtypes: tuple[Literal["float32", "float64", "bfloat16", "float16"], ...] = ("float32",)
    """Precisions it may run in, the default first."""
    tolerance: float = 1e-4
    """Largest relative change of a score between batch sizes, orders and equal machines."""
    target: str
    """`module:function`, called with (card, options, device, dtype) and returning a Scorer."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options with their defaults; a user may change these and no others."""
    version: int = 1
    """Version of our wrapper: raise it when its scores change."""
    reference: str = ""
    note: str = ""


# The loader in C is ten times faster; PyYAML may be built without it.


def catalogue_file() -> Path:
    """`datasets.yaml`: beside the code in an installed package, at the top of the repository in a checkout.

    An editable install leaves a copy in site-packages that goes stale, so nothing but these two places is looked at.
    """
    here = Path(__file__).parent
    beside = here / "datasets.yaml"
    return beside if beside.is_file() else here.parent / "datasets.yaml"


@cache
def builtin_cards() -> Mapping[str, DatasetCard]:
    """The cards that ship with the package, by name, in the order of the file."""
    return MappingProxyType(read_cards(catalogue_file().read_text(encoding="utf-8"), "datasets.yaml"))


def read_cards(text: str, source: str) -> dict[str, DatasetCard]:
    """Cards of a YAML text that maps names to the fields of `DatasetCard`.

    Keys that start with a dot hold fragments for YAML anchors and are no datasets.

    Args:
        text: the YAML.
        source: what the text is called in an error.

    Raises:
        InputError: the text is not YAML, or a card has a missing, misspelt or wrong field.
    """
    try:
        content = yaml.load(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise InputError(f"{source} is not valid YAML: {_flat(error)}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{source} must map names of datasets to their fields.")
    return {
        str(name): _card(str(name), fields, source) for name, fields in content.items() if not str(name).startswith(".")
    }


def _card(name: str, fields: object, source: str) -> DatasetCard:
    if not isinstance(fields, dict):
        raise InputError(f"{source}: the dataset {name!r} has no fields.")
    try:
        return DatasetCard.model_validate({**fields, "name": name})
    except ValidationError as error:
        raise InputError(f"{source}: the dataset {name!r} has {explain(error)}.") from error


def explain(error: ValidationError) -> str:
    """The first problem that pydantic found, as the end of a sentence `... has ...`."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "its fields"
    return f"a wrong entry at {place}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def _flat(error: Exception) -> str:
    return " ".join(str(error).split())
