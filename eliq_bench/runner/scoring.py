"""Scores of a handful of images by several models: decoded once, batched by equal size, never padded."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eliq_bench.errors import EliqBenchError, describe
from eliq_bench.io.contained import contained
from eliq_bench.io.images import DecodeError, TransientDecodeError, decode
from eliq_bench.registry import resolve
from eliq_bench.runner.features import FeatureRow, features_of, packed
from eliq_bench.runner.plan import ModelSpec, Task, Want
from eliq_bench.runner.store import ScoreRow, prompt_key
from eliq_bench.types import Batch, Features, ImageSource, Scorer, Scores, VirtualImage
from eliq_bench.vocabulary import Status

RGB = NDArray[np.uint8]


def pixels_of(image: ImageSource) -> RGB:
    """RGB pixels, (H, W, 3).

    Raises:
        DecodeError: a file that cannot be read; only a `TransientDecodeError` is worth another try.
        EliqBenchError: a virtual image that cannot be computed, or that does not come out as its manifest says. That
            is no property of the image, so a later run tries again.
    """
    if isinstance(image, Path):
        return decode(image)
    # Here, not above: only runs on pairs pay for scipy.
    from eliq_bench.eliq.degrade import degrade
    from eliq_bench.eliq.pairs.manifest import pixel_hash

    try:
        pixels = degrade(_source(image.source), image.mode, image.severity, image.seed)
    except DecodeError as error:
        raise EliqBenchError(f"the positive of this negative cannot be read: {error}") from error
    if pixel_hash(pixels) != image.pixels:
        raise EliqBenchError(_mismatch(image))
    return pixels


@lru_cache(maxsize=4)
def _source(path: Path) -> RGB:
    """A decoded positive: its negatives follow one another, so that it is decoded once for most of them."""
    return decode(path)


def _mismatch(image: VirtualImage) -> str:
    return (
        f"{image.mode} at severity {image.severity} comes out with other pixels than the manifest recorded; "
        "`eliq-bench pairs verify` names the library that differs"
    )


MAX_WAITING_BYTES = 256 * 2**20
"""Prepared images that wait for a full batch: bounds memory when images are large."""


DECODE_THREADS = 4


class PreparedImage(NamedTuple):
    """A prepared image that waits for its batch; `seconds` is the time its preparation took."""

    image: str
    prompt: str | None
    prepared: NDArray[Any]
    seconds: float


@dataclass
class ScoringStep:
    """What came out of a step: finished rows, and the seconds spent decoding since the last report."""

    rows: list[ScoreRow]
    decode_seconds: float = 0.0


class ChunkScorer:
    """Builds each model at its first use and scores chunks of tasks with them."""

    def __init__(self, specs: list[ModelSpec], batch_size: int) -> None:
        self.specs = specs
        self.batch_sizes = [min(batch_size, spec.card.max_batch or batch_size) for spec in specs]
        self._scorers: dict[int, Scorer | str] = {}
        # On a GPU the CPU cores are free to decode; on the CPU every core already has its own worker.
        on_gpu = any(spec.device != "cpu" for spec in specs)
        self._map = ThreadPoolExecutor(DECODE_THREADS).map if on_gpu else map

    def score(self, tasks: list[Task]) -> Iterator[ScoringStep]:
        """Rows as soon as a batch is complete; every want of every task ends as one row per dimension."""
        waiting: dict[tuple[int, tuple[int, ...]], list[PreparedImage]] = {}
        for task, (image, seconds) in zip(tasks, self._map(_timed_decode, tasks), strict=True):
            if isinstance(image, DecodeError) and not isinstance(image, TransientDecodeError):
                yield ScoringStep(self._all(task, "unreadable", str(image)), seconds)
                continue
            if isinstance(image, Exception):
                yield ScoringStep(self._all(task, "error", str(image)), seconds)
                continue
            yield ScoringStep([], seconds)
            for want in task.wants:
                entry = self._prepare(task, want, image)
                if not isinstance(entry, PreparedImage):
                    yield ScoringStep(entry)
                    continue
                bucket = (want.model, entry.prepared.shape)
                waiting.setdefault(bucket, []).append(entry)
                if len(waiting[bucket]) >= self.batch_sizes[want.model]:
                    yield ScoringStep(self._batch(want.model, waiting.pop(bucket)))
            if _waiting_bytes(waiting) > MAX_WAITING_BYTES:
                yield from self._flush(waiting)
        yield from self._flush(waiting)

    def _flush(self, waiting: dict[tuple[int, tuple[int, ...]], list[PreparedImage]]) -> Iterator[ScoringStep]:
        while waiting:
            (model, _), entries = waiting.popitem()
            yield ScoringStep(self._batch(model, entries))

    def _prepare(self, task: Task, want: Want, image: NDArray[np.uint8]) -> PreparedImage | list[ScoreRow]:
        card = self.specs[want.model].card
        height, width = image.shape[:2]
        if min(height, width) < card.min_side:
            reason = f"image of {width} x {height} pixels; this model needs {card.min_side} on each side"
            return self._failed(want, task.image, "undefined", reason)
        if height * width > card.max_pixels:
            limit = f"{card.max_pixels / 1e6:g} megapixels"
            reason = f"image of {width} x {height} pixels; the limit of this model is {limit}"
            return self._failed(want, task.image, "undefined", reason)
        scorer = self._scorer(want.model)
        if isinstance(scorer, str):
            return self._failed(want, task.image, "error", scorer)
        began = time.perf_counter()
        try:
            with contained(self.specs[want.model].card.name):
                prepared = scorer.prepare(image)
        except Exception as error:  # one image must not stop the others, whatever the model does
            return self._failed(want, task.image, "error", describe(error))
        return PreparedImage(task.image, want.prompt, prepared, time.perf_counter() - began)

    def _scorer(self, model: int) -> Scorer | str:
        """The scorer, or why it cannot be built."""
        if model not in self._scorers:
            spec = self.specs[model]
            try:
                with contained(spec.card.name):
                    create = resolve(spec.card.target)
                    self._scorers[model] = create(spec.card, spec.options, spec.device, spec.dtype)
            except Exception as error:  # reported with every image, the other models go on
                self._scorers[model] = describe(error)
        return self._scorers[model]

    def _batch(self, model: int, entries: list[PreparedImage]) -> list[ScoreRow]:
        """Score a batch; on any failure halve it, down to the image that cannot be scored."""
        began = time.perf_counter()
        try:
            with contained(self.specs[model].card.name):
                output = self._call(model, entries)
        except Exception as error:  # out of memory, or one image of the batch is at fault
            if len(entries) == 1:
                want = Want(model, entries[0].prompt)
                return self._failed(want, entries[0].image, "error", describe(error))
            half = len(entries) // 2
            if is_out_of_memory(error):
                self.batch_sizes[model] = half
            return self._batch(model, entries[:half]) + self._batch(model, entries[half:])
        seconds = (time.perf_counter() - began) / len(entries)
        return self._rows(model, entries, output, seconds)

    def _call(self, model: int, entries: list[PreparedImage]) -> Scores | Features:
        scorer = self._scorer(model)
        if isinstance(scorer, str):
            raise EliqBenchError(scorer)
        prompts = tuple(entry.prompt or "" for entry in entries) if scorer.card.needs_prompt else ()
        batch = Batch(np.stack([entry.prepared for entry in entries]), prompts)
        return features_of(scorer, batch) if self.specs[model].protocol == "probe" else scores_of(scorer, batch)

    def _rows(
        self, model: int, entries: list[PreparedImage], output: Scores | Features, seconds: float
    ) -> list[ScoreRow]:
        digest = self.specs[model].fingerprint.digest
        rows = []
        for position, entry in enumerate(entries):
            reason = output.reasons[position] if output.reasons else "not finite"
            for dimension in output.values:
                row = ScoreRow(
                    digest,
                    entry.image,
                    prompt_key(entry.prompt),
                    dimension,
                    None,
                    "undefined",
                    reason,
                    seconds + entry.seconds,
                )
                if isinstance(output, Features):
                    rows.append(_with_vector(row, output.values[dimension][position]))
                else:
                    rows.append(_with_score(row, float(output.values[dimension][position])))
        return rows

    def _failed(self, want: Want, image: str, status: Status, reason: str) -> list[ScoreRow]:
        return failed_rows(self.specs[want.model], want, image, status, reason)

    def _all(self, task: Task, status: Status, reason: str) -> list[ScoreRow]:
        return [row for want in task.wants for row in self._failed(want, task.image, status, reason)]


def scores_of(scorer: Scorer, batch: Batch) -> Scores:
    """Scores of a batch, (B,) for each dimension.

    Raises:
        EliqBenchError: the scorer gave not one number for each image.
    """
    scores = scorer.score(batch)
    for dimension in scorer.card.dimensions:
        shape = scores.values[dimension].shape
        if shape != (len(batch.images),):
            raise EliqBenchError(f"{scorer.card.name} gave shape {shape} for {len(batch.images)} images ({dimension})")
    return scores


def _with_score(undefined: ScoreRow, score: float) -> ScoreRow:
    """The row with its score, if that is a number."""
    return replace(undefined, score=score, status="ok", reason="") if np.isfinite(score) else undefined


def _with_vector(undefined: ScoreRow, vector: NDArray[np.floating[Any]]) -> ScoreRow:
    """The row with its features, if all are numbers that float32 holds."""
    if not (np.abs(vector) <= np.finfo(np.float32).max).all():
        return undefined
    return FeatureRow(*undefined.key, None, "ok", "", undefined.seconds, packed(vector))


def failed_rows(spec: ModelSpec, want: Want, image: str, status: Status, reason: str) -> list[ScoreRow]:
    """One row per dimension of the model that say why there is no score."""
    key = prompt_key(want.prompt)
    digest = spec.fingerprint.digest
    return [ScoreRow(digest, image, key, dimension, None, status, reason, 0.0) for dimension in spec.card.dimensions]


def is_out_of_memory(error: Exception) -> bool:
    """Whether the failure is lack of memory, on the CPU or on a GPU."""
    return isinstance(error, MemoryError) or "memory" in str(error).lower()


def _timed_decode(task: Task) -> tuple[NDArray[np.uint8] | DecodeError | EliqBenchError, float]:
    began = time.perf_counter()
    try:
        image: NDArray[np.uint8] | DecodeError | EliqBenchError = pixels_of(task.path)
    except (DecodeError, EliqBenchError) as error:
        image = error
    return image, time.perf_counter() - began


def _waiting_bytes(waiting: dict[tuple[int, tuple[int, ...]], list[PreparedImage]]) -> int:
    return sum(entry.prepared.nbytes for entries in waiting.values() for entry in entries)
