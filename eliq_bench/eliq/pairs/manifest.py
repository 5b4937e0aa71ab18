"""The manifest of pairs: one Parquet row per pair, and the versions of what computed its pixels."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pat

from eliq_bench.eliq.degrade import RGB, VERSION, Aspect, Family, degrade
from eliq_bench.eliq.prompts import perturb
from eliq_bench.errors import InputError, first_line
from eliq_bench.io import parquet
from eliq_bench.io.files import check_inside
from eliq_bench.io.images import decode
from eliq_bench.io.parquet import integers, table, texts
from eliq_bench.io.write import write_whole

SCHEMA_VERSION = 1
"""Raise it when a column changes its name or meaning."""

MANIFEST_FILE = "pairs.parquet"
AGAIN = "the same command goes on from the finished parts"
KEY_SCHEMA, KEY_VERSIONS = b"eliq-bench.pairs.schema", b"eliq-bench.pairs.versions"
KEY_PROMPTS = b"eliq-bench.pairs.prompts"
"""Version of the rules that change facts of prompts; manifests of version 1 do not have it."""
CHANGED_PROMPTS = frozenset({"caption_one_fact", "perturbed_prompt"})
"""Modes whose negatives come from those rules."""

Split = Literal["train", "held-out"]


class Pair(NamedTuple):
    """The positive is better than the negative on this aspect; the pair says nothing about the others.

    The negative is virtual: the positive degraded by (mode, severity, seed), or, for alignment, the same
    image under `negative_caption`, or the image `negative_image` under the same prompt.
    """

    pair_id: str
    prompt: str | None
    """What the positive was drawn from; None for photographs without a caption."""
    positive: str
    """Path relative to the folder of images."""
    positive_sha256: str
    """Of the bytes of the file."""
    positive_pixels: str
    """Hash of the decoded pixels, see `pixel_hash`."""
    negative_caption: str | None
    negative_image: str | None
    """Path relative to the folder of images."""
    negative_sha256: str
    """Hash of the pixels of the negative, see `pixel_hash`."""
    family: Family
    aspect: Aspect
    mode: str
    severity: int
    seed: int
    simulated: bool
    """True where an artefact of generators is imitated without one."""
    source: str
    """Where the positive comes from, as its table states it; empty if unknown."""
    generator: str | None
    """What drew the positive; None for photographs and where it is unknown."""
    group: str
    """Unit of the split: images of one prompt or of near-duplicate content share it."""
    split: Split

    @property
    def cell(self) -> str:
        """One of the six cells, as in `conventional/technical`."""
        return f"{self.family}/{self.aspect}"


_NUMBERS = ("severity", "seed")
_FLAGS = ("simulated",)
_OPTIONAL = frozenset({"prompt", "negative_caption", "negative_image", "generator"})


def pixel_hash(image: np.ndarray) -> str:
    """The sha256 of the shape and the bytes of an RGB image (H, W, 3), in hexadecimal digits."""
    digest = hashlib.sha256(f"{image.shape[0]}x{image.shape[1]}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def render_negative(pair: Pair, positive: RGB, root: Path) -> RGB:
    """The pixels of the negative of a pair, (H, W, 3); with another caption they are those of the positive.

    Args:
        pair: the row.
        positive: its decoded positive, (H, W, 3).
        root: folder that paths are relative to.

    Raises:
        DecodeError: the negative is another image, which cannot be read.
    """
    if pair.negative_image is not None:
        return decode(root / pair.negative_image)
    if pair.negative_caption is not None:
        return positive
    return degrade(positive, pair.mode, pair.severity, pair.seed)


def library_versions() -> dict[str, str]:
    """Versions of everything that decides on the pixels of a virtual negative, decoders of the positives included."""
    from PIL import features

    libraries = {name: version(name) for name in ("numpy", "scipy", "pillow")}
    codecs = {name: str(features.version(name)) for name in ("jpg", "libjpeg_turbo", "webp") if features.check(name)}
    return {"degradations": str(VERSION), **libraries, **codecs}


def write_pairs(pairs: Sequence[Pair], path: Path) -> None:
    """Write pairs as a Parquet file, whole or not at all.

    Raises:
        EliqBenchError: the disk is full or the file cannot be written.
    """
    columns: dict[str, pa.Array] = {}
    for position, name in enumerate(Pair._fields):
        cells: list[Any] = [pair[position] for pair in pairs]
        if name in _NUMBERS:
            columns[name] = integers(cells)
        elif name in _FLAGS:
            columns[name] = _flags(cells)
        else:
            columns[name] = texts(cells)
    content = table(columns).replace_schema_metadata(metadata())
    write_whole(path, lambda target: parquet.write(content, target), AGAIN)


def merge_parts(parts: Sequence[Path], path: Path) -> int:
    """Join the parts of a build in their order, one at a time in memory; returns the number of pairs.

    Raises:
        EliqBenchError: the disk is full or the file cannot be written.
    """
    count = 0

    def write(target: Path) -> None:
        nonlocal count
        schema = parquet.read(parts[0]).schema_arrow
        with pa.OSFile(os.fsencode(target), "wb") as sink, pq.ParquetWriter(sink, schema, compression="zstd") as writer:
            for part in parts:
                content = parquet.read(part).read()
                writer.write_table(content)
                count += content.num_rows

    write_whole(path, write, AGAIN)
    return count


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a manifest, streamed in their order.

    Raises:
        InputError: no manifest, one of another schema version, or one that names an image outside its folder.
    """
    with _open(path) as file:
        for batch in file.iter_batches(columns=list(Pair._fields)):
            for name in set(Pair._fields) - _OPTIONAL:
                if batch.column(name).null_count:
                    raise InputError(f"{path} is damaged: its column {name!r} has empty cells; build it again.")
            for name in ("positive", "negative_image"):
                for image in batch.column(name).unique().to_pylist():
                    if image is not None:
                        check_inside(image, path)
            columns = [batch.column(name).to_pylist() for name in Pair._fields]
            yield from (Pair(*cells) for cells in zip(*columns, strict=True))


def modes_in(path: Path) -> frozenset[str]:
    """The modes of which a manifest has pairs.

    Raises:
        InputError: no manifest, or one of another schema version.
    """
    with _open(path) as file:
        batches = file.iter_batches(columns=["mode"])
        return frozenset(name for batch in batches for name in batch.column("mode").unique().to_pylist())


def recorded_versions(path: Path) -> dict[str, str]:
    """The library versions under which a manifest was made.

    Raises:
        InputError: no manifest, or one of another schema version.
    """
    with _open(path) as file:
        recorded: dict[str, str] = json.loads(file.schema_arrow.metadata[KEY_VERSIONS])
    return recorded


def prompts_note(path: Path) -> str:
    """A sentence if the prompts of a manifest were changed by another version of the rules; empty if not.

    Raises:
        InputError: no manifest, or one of another schema version.
    """
    with _open(path) as file:
        recorded = file.schema_arrow.metadata.get(KEY_PROMPTS, b"1").decode()
    modes = sorted(CHANGED_PROMPTS & modes_in(path))
    if recorded == str(perturb.VERSION) or not modes:
        return ""
    return (
        f"The prompts of {' and '.join(modes)} were changed by version {recorded} of the rules, where this eliq-bench "
        f"has {perturb.VERSION}; they are used as the manifest has them."
    )


def metadata() -> dict[bytes, bytes]:
    """Metadata of the file: versions of the schema, of libraries and of rules; no date and no path."""
    versions = json.dumps(library_versions(), sort_keys=True)
    return {
        KEY_SCHEMA: str(SCHEMA_VERSION).encode(),
        KEY_VERSIONS: versions.encode(),
        KEY_PROMPTS: str(perturb.VERSION).encode(),
    }


def manifest_path(pairs: Path) -> Path:
    """The manifest that a folder of pairs holds, or the file itself.

    Raises:
        InputError: there is none.
    """
    path = pairs / MANIFEST_FILE if pairs.is_dir() else pairs
    if not path.exists():
        raise InputError(f"There is no manifest of pairs at {pairs}; build one with `eliq-bench pairs build`.")
    return path


@contextmanager
def _open(path: Path) -> Iterator[pq.ParquetFile]:
    """An opened manifest; whatever in it cannot be read is said in a sentence."""
    try:
        with parquet.read(path) as file:
            _check_schema(path, file.schema_arrow)
            yield file
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path} is not a readable manifest of pairs ({first_line(error)}); build one with "
            "`eliq-bench pairs build`."
        ) from error


def _check_schema(path: Path, schema: pa.Schema) -> None:
    version = (schema.metadata or {}).get(KEY_SCHEMA, b"none").decode(errors="replace")
    if version != str(SCHEMA_VERSION):
        raise InputError(
            f"{path} has schema version {version} where this eliq-bench reads {SCHEMA_VERSION}; build it again."
        )
    for name in Pair._fields:
        fits = pat.is_integer if name in _NUMBERS else pat.is_boolean if name in _FLAGS else _is_text
        if name not in schema.names or not fits(schema.field(name).type):
            raise InputError(f"{path} is damaged: its column {name!r} is missing or of another type; build it again.")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pat.is_string(kind) or pat.is_large_string(kind))


def _flags(values: Sequence[bool]) -> pa.Array:
    """Boolean column (n,), made as `io.parquet` makes its columns."""
    bits = np.packbits(np.array(values, dtype=bool), bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])


class ModeCount(NamedTuple):
    """Number of pairs of one mode."""

    cell: str
    mode: str
    train: int
    held_out: int
    by_severity: tuple[int, ...]
    """Severity 1 first, (5,)."""
    simulated: bool


class Counts(NamedTuple):
    """Numbers of a manifest."""

    pairs: int
    positives: int
    prompts: int
    generators: int
    groups: tuple[int, int]
    """Groups in train and held out; no group is in both."""
    modes: tuple[ModeCount, ...]
    """Sorted by cell and mode."""

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells that have a pair."""
        return tuple(sorted({mode.cell for mode in self.modes}))


def count_pairs(pairs: Path) -> Counts:
    """Count the pairs of a manifest or its folder.

    Raises:
        InputError: no manifest.
    """
    numbers: Counter[tuple[str, str, bool, str, int]] = Counter()
    positives, prompts, generators = set(), set(), set()
    groups: dict[str, set[str]] = {"train": set(), "held-out": set()}
    for pair in read_pairs(manifest_path(pairs)):
        numbers[pair.cell, pair.mode, pair.simulated, pair.split, pair.severity] += 1
        positives.add(pair.positive)
        prompts.add(pair.prompt)
        generators.add(pair.generator)
        groups[pair.split].add(pair.group)
    modes = []
    for cell, mode, simulated in sorted({key[:3] for key in numbers}):
        own = {key[3:]: count for key, count in numbers.items() if key[:3] == (cell, mode, simulated)}
        sides = [sum(count for (side, _), count in own.items() if side == split) for split in groups]
        levels = tuple(sum(own.get((split, level), 0) for split in groups) for level in range(1, 6))
        modes.append(ModeCount(cell, mode, sides[0], sides[1], levels, simulated))
    return Counts(
        pairs=sum(numbers.values()),
        positives=len(positives),
        prompts=len(prompts - {None}),
        generators=len(generators - {None}),
        groups=(len(groups["train"]), len(groups["held-out"])),
        modes=tuple(modes),
    )
