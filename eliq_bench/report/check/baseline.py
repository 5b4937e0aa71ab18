"""The committed baseline file: rows, and the exact score of every item.

One JSON file, so that it can be committed and reviewed: names, fingerprints and SRCC are readable, long columns are
packed. Labels and prompts may not be ours to pass on, so it has only their digests. It has no path of the machine
that made it.
"""

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from eliq_bench.errors import InputError
from eliq_bench.io.write import write_whole
from eliq_bench.results.encoding import pack_floats, unpack_floats
from eliq_bench.results.folder import Run, load_run
from eliq_bench.results.records import RESULTS_FILE, Record
from eliq_bench.results.records import SCHEMA_VERSION as RESULTS_VERSION
from eliq_bench.stats.statistic import Floats
from eliq_bench.types import ItemTable
from eliq_bench.vocabulary import Direction


def label_digests(table: ItemTable) -> dict[str, str]:
    """Per dimension, the sha256 of every name with its label, in the order of the names."""
    return {
        dimension: _digest(zip(table.items.name, values.tolist(), strict=True))
        for dimension, values in table.items.labels.items()
    }


def group_digest(table: ItemTable) -> str:
    """The sha256 of every name with its group, in the order of the names."""
    return _digest(zip(table.items.name, table.items.group, strict=True))


def _digest(pairs: Iterable[tuple[str, object]]) -> str:
    return hashlib.sha256(json.dumps(sorted(pairs)).encode()).hexdigest()


def pack_texts(texts: Iterable[str]) -> str:
    """A list of texts as one short text.

    >>> unpack_texts(pack_texts(["a", ""]))
    ['a', '']
    """
    return base64.b64encode(zlib.compress(json.dumps(list(texts)).encode(), 9)).decode()


def unpack_texts(packed: str) -> list[str]:
    """The texts that `pack_texts` packed.

    Raises:
        ValueError: the text is damaged.
    """
    try:
        content = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)))
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"packed texts are damaged: {error}") from error
    return [str(text) for text in content]


SCHEMA_VERSION = 1
KIND = "eliq-bench baseline"
CONTENT_DIGITS = 16
"""Hexadecimal digits of an image's sha256 that are kept: enough to see that it is another image."""


class SchemaDiffersError(Exception):
    """The baseline was written for another schema, so that nothing in it can be compared."""


class BaselineDataset(Record):
    """The items of a dataset as they were."""

    name: str
    subset: str = ""
    label_sha256: dict[str, str] = Field(default_factory=dict)
    """Per label file, as on the dataset's card."""
    labels: dict[str, str]
    """Per dimension, a digest of every item with its label."""
    groups: str
    """A digest of every item with its group."""
    items: int
    names: str
    """Packed list of texts."""
    contents: str
    """Packed list: the first digits of the sha256 of each image, empty where it was missing."""


class BaselineRow(Record):
    """One model on one dimension of one dataset as it was."""

    dataset: str
    model: str
    dimension: str
    direction: Direction
    fingerprint: str
    tolerance: float
    srcc: float | None
    """For readers of the file; a check computes it again."""
    scored: int
    scores: str
    """Packed float64 per item, in the model's own direction, NaN where there is none."""


class Baseline(Record):
    """Everything that a check compares with."""

    kind: Literal["eliq-bench baseline"] = "eliq-bench baseline"
    schema_version: Literal[1] = 1
    results_schema: int
    protocol: Literal["zero-shot", "probe"]
    created: str
    eliq_bench: str
    datasets: list[BaselineDataset]
    identities: dict[str, dict[str, Any]]
    """By fingerprint, the identity that was hashed."""
    rows: list[BaselineRow]


def baseline_of(run: Run) -> Baseline:
    """A run as a baseline."""
    results = run.results
    srcc = {(row.dataset, row.model, row.dimension): row.srcc for row in results.rows}
    rows = []
    for key, column in run.columns.items():
        model = results.model(column.model)
        rows.append(
            BaselineRow(
                dataset=column.dataset,
                model=column.model,
                dimension=column.dimension,
                direction=model.dimensions[column.dimension],
                fingerprint=column.fingerprint,
                tolerance=model.tolerance,
                srcc=srcc.get(key),
                scored=column.status.count("ok"),
                scores=pack_floats(column.score),
            )
        )
    return Baseline(
        results_schema=results.schema_version,
        protocol=results.protocol,
        created=results.environment.created,
        eliq_bench=results.environment.eliq_bench,
        datasets=[_dataset(run, table) for table in run.tables.values()],
        identities={model.fingerprint: model.identity for model in results.models},
        rows=rows,
    )


def _dataset(run: Run, table: ItemTable) -> BaselineDataset:
    record = run.results.dataset(table.dataset)
    return BaselineDataset(
        name=record.name,
        subset=record.subset,
        label_sha256=record.label_sha256,
        labels=label_digests(table),
        groups=group_digest(table),
        items=len(table.items),
        names=pack_texts(table.items.name),
        contents=pack_texts(digest[:CONTENT_DIGITS] for digest in table.sha256),
    )


def save_baseline(baseline: Baseline, path: Path) -> None:
    """Write the file whole or not at all.

    Raises:
        EliqBenchError: it cannot be written.
    """
    text = baseline.model_dump_json(indent=1) + "\n"
    write_whole(path, lambda target: target.write_text(text, encoding="utf-8"), "name another --baseline")


def read_baseline(path: Path) -> Baseline:
    """Read a baseline from a file, or make one from a run folder.

    Raises:
        InputError: there is none, it is damaged, or it has no scores per item.
        SchemaDiffersError: it was written for another schema.
    """
    if path.is_dir():
        _check_results_schema(_json(path / RESULTS_FILE), path)
        return baseline_of(load_run(path))
    content = _json(path)
    if content.get("kind") != KIND:
        raise InputError(
            f"{path} is no baseline with the score of every item, without which nothing can be checked; make one "
            "with --update-baseline, or give the folder of a run."
        )
    if content.get("schema_version") != SCHEMA_VERSION:
        raise SchemaDiffersError(
            f"the baseline has schema {content.get('schema_version')}, this eliq-bench writes {SCHEMA_VERSION}"
        )
    if content.get("results_schema") != RESULTS_VERSION:
        raise SchemaDiffersError(
            f"the baseline was made from results of schema {content.get('results_schema')}, "
            f"those of this eliq-bench have {RESULTS_VERSION}"
        )
    try:
        return Baseline.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"The baseline {path} is damaged ({place}: {first['msg']}).") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"There is no baseline {path}; make one from a run you trust with --update-baseline."
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}); give a baseline or the folder of a run.") from error
    return content if isinstance(content, dict) else {}


def _check_results_schema(content: dict[str, Any], path: Path) -> None:
    version = content.get("schema_version")
    if version != RESULTS_VERSION:
        raise SchemaDiffersError(
            f"{path} has results of schema {version}, this eliq-bench writes {RESULTS_VERSION}"
        )


class BaselineItems:
    """A dataset of a baseline, unpacked.

    Raises:
        InputError: its columns are damaged.
    """

    def __init__(self, record: BaselineDataset) -> None:
        self.record = record
        try:
            self.names = unpack_texts(record.names)
            contents = unpack_texts(record.contents)
        except ValueError as error:
            raise InputError(f"The baseline is damaged: {record.name}, {error}.") from error
        if not len(self.names) == len(contents) == record.items:
            raise InputError(f"The baseline is damaged: {record.name} has columns of different lengths.")
        self.content = dict(zip(self.names, contents, strict=True))


def scores_of(row: BaselineRow, n: int) -> Floats:
    """The scores (n,) of a row.

    Raises:
        InputError: they are damaged.
    """
    try:
        values = unpack_floats(row.scores)
    except ValueError as error:
        raise InputError(f"The baseline is damaged: {row.model} on {row.dataset}, {error}.") from error
    if len(values) != n:
        raise InputError(f"The baseline is damaged: {row.model} has {len(values)} scores for {n} items.")
    return values
