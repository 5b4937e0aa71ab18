"""Filling the token cache: every side of every pair is seen by the backbone once, in worker processes on CPUs."""

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from eliq_bench.eliq.critic.backbone import Backbone
from eliq_bench.eliq.critic.backbones import create_backbone
from eliq_bench.eliq.pairs.crew import run_crew
from eliq_bench.eliq.pairs.manifest import Pair, manifest_path, pixel_hash, read_pairs
from eliq_bench.eliq.pairs.negatives import negative_of
from eliq_bench.eliq.training.cache import TokenCache, key_of
from eliq_bench.eliq.training.comparisons import Side, comparison
from eliq_bench.errors import EliqBenchError
from eliq_bench.runner.decode import DecodeError, decode

BATCH = 8
"""Images per call of the backbone."""


def fill_cache(
    pairs: Path,
    images: Path,
    settings: dict[str, Any],
    folder: Path,
    device: str = "cpu",
    dtype: str = "auto",
    workers: int | None = None,
    report: Callable[[str, int, int], None] | None = None,
    wanted: Callable[[Pair], bool] | None = None,
) -> TokenCache:
    """Tokens of all sides of a manifest; what the folder has is kept, so that a killed run goes on.

    Args:
        pairs: manifest or its folder.
        images: folder that its paths are relative to.
        settings: the section `backbone` of a recipe.
        folder: of the cache, see `TokenCache`.
        device: torch device; anything but `cpu` is served by this process alone.
        dtype: of the backbone.
        workers: processes on the CPU; None takes one per core.
        report: told about the progress, in positives.
        wanted: which pairs are needed; None takes all.

    Raises:
        InputError: no manifest, or the folder belongs to another backbone.
        EliqBenchError: an image cannot be read or is not the one of the manifest.
    """
    backbone = create_backbone(settings, device, dtype)
    store = TokenCache(folder, backbone.fingerprint())
    path = manifest_path(pairs)
    missing = [
        any(key not in store for key in _keys(group, backbone)) for group in _by_positive(path, wanted)
    ]
    total = sum(missing)
    tasks = (
        (images, group, settings, folder, device, dtype)
        for group, lacks in zip(_by_positive(path, wanted), missing, strict=True)
        if lacks
    )
    if device == "cpu":
        results: Iterator[Any] = run_crew(f"{__name__}:encode_pairs", tasks, workers or os.cpu_count() or 1)
    else:
        results = ((0, _encode(group, images, backbone, store)) for images, group, *_ in tasks)
    for done, _ in enumerate(results, start=1):
        if report:
            report("encoding", done, total)
    store.refresh()
    return store


def encode_pairs(
    images: Path, pairs: list[Pair], settings: dict[str, Any], folder: Path, device: str, dtype: str
) -> int:
    """Encode what the cache lacks of the pairs of one positive; runs in the workers; returns the number of entries."""
    backbone, store = _tools(json.dumps(settings, sort_keys=True), folder, device, dtype)
    return _encode(pairs, images, backbone, store)


@cache
def _tools(settings: str, folder: Path, device: str, dtype: str) -> tuple[Backbone, TokenCache]:
    """Built once per worker; settings are JSON, since those of an mllm hold lists, which no cache can key."""
    backbone = create_backbone(json.loads(settings), device, dtype)
    return backbone, TokenCache(folder, backbone.fingerprint())


def _encode(pairs: list[Pair], images: Path, backbone: Backbone, store: TokenCache) -> int:
    wanted: dict[str, tuple[Side, Pair | None]] = {}
    for pair in pairs:
        one = comparison(pair)
        for side, source in ((one.better, None), (one.worse, pair)):
            key = key_of(side.pixels, side.prompt, backbone.reads_prompt)
            if key not in store:
                wanted.setdefault(key, (side, source))
    keys = list(wanted)
    if not keys:
        return 0
    try:
        positive = decode(images / pairs[0].positive)
        for start in range(0, len(keys), BATCH):
            chosen = [wanted[key] for key in keys[start : start + BATCH]]
            pixels = [
                positive if source is None else negative_of(source, positive, images) for _, source in chosen
            ]
            for (side, _), image in zip(chosen, pixels, strict=True):
                _check(image, side, pairs[0])
            arrays = backbone.encode(pixels, [side.prompt for side, _ in chosen])
            for key, encoded in zip(keys[start : start + BATCH], arrays, strict=True):
                store.add(key, encoded)
    except DecodeError as error:
        raise EliqBenchError(f"An image of {pairs[0].positive} cannot be read: {error}.") from error
    return len(keys)


def _check(image: Any, side: Side, pair: Pair) -> None:
    if pixel_hash(image) != side.pixels:
        raise EliqBenchError(
            f"A side of {pair.positive} has other pixels than the manifest says; see `eliq-bench pairs verify`."
        )


def _by_positive(path: Path, wanted: Callable[[Pair], bool] | None) -> Iterator[list[Pair]]:
    """Wanted pairs that follow each other and share a positive."""
    pairs = (pair for pair in read_pairs(path) if wanted is None or wanted(pair))
    for _, group in groupby(pairs, key=lambda pair: pair.positive):
        yield list(group)


def _keys(pairs: list[Pair], backbone: Backbone) -> Iterator[str]:
    for pair in pairs:
        one = comparison(pair)
        for side in (one.better, one.worse):
            yield key_of(side.pixels, side.prompt, backbone.reads_prompt)
