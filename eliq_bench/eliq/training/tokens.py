"""Filling the token cache: every side of every pair is seen by the backbone once, in worker processes on CPUs."""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eliq_bench.eliq.critic.backbone import Backbone, Dimension, Encoded, Tokens
from eliq_bench.eliq.critic.backbones import create_backbone
from eliq_bench.eliq.pairs.manifest import Pair, manifest_path, pixel_hash, read_pairs, render_negative
from eliq_bench.eliq.training.pairs import Side, comparison
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.workers import map_in_processes
from eliq_bench.types import Progress

FINGERPRINT_FILE = "backbone.json"
AFTER_ENCODE = ("projection",)
"""Entries of a fingerprint that only `tokens` depends on: cached arrays hold whatever they are."""


class _Place(NamedTuple):
    shard: str
    start: int
    rows: int


def key_of(pixels: str, prompt: str, reads_prompt: bool) -> str:
    """Key of an entry: the hash of the pixels, and of the prompt where the backbone reads it."""
    if not reads_prompt:
        return pixels
    return f"{pixels}+{hashlib.sha256(prompt.encode()).hexdigest()[:16]}"


class TokenCache:
    """Reads all shards of a folder, writes one of its own.

    Args:
        folder: created if it is not there.
        fingerprint: of the backbone, see `Backbone.fingerprint`.

    Raises:
        InputError: the folder holds arrays of another backbone.
    """

    def __init__(self, folder: Path, fingerprint: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._own = uuid.uuid4().hex[:12]
        self._places: dict[str, _Place] = {}
        self._widths: tuple[int, int] | None = None
        self._maps: dict[str, tuple[np.memmap, np.memmap]] = {}
        self._written = 0
        of_arrays = {name: value for name, value in fingerprint.items() if name not in AFTER_ENCODE}
        _claim(folder / FINGERPRINT_FILE, of_arrays)
        self.refresh()

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def refresh(self) -> None:
        """Read what other writers have added."""
        self._maps.clear()
        for path in sorted(self.folder.glob("*.keys")):
            for line in path.read_text(encoding="utf-8").splitlines():
                parts = line.split("\t")
                if len(parts) != 5:
                    continue  # the last line of a killed writer
                key, start, rows, visual, semantic = parts
                self._places[key] = _Place(path.stem, int(start), int(rows))
                self._widths = int(visual), int(semantic)

    def add(self, key: str, encoded: Encoded) -> None:
        """Append the arrays of one entry."""
        rows = len(encoded.visual)
        for kind, array in zip(("visual", "semantic"), encoded, strict=True):
            with (self.folder / f"{self._own}.{kind}").open("ab") as file:
                file.write(np.ascontiguousarray(array, np.float16).tobytes())
        self._widths = encoded.visual.shape[1], encoded.semantic.shape[1]
        with (self.folder / f"{self._own}.keys").open("a", encoding="utf-8") as file:
            file.write(f"{key}\t{self._written}\t{rows}\t{self._widths[0]}\t{self._widths[1]}\n")
        self._places[key] = _Place(self._own, self._written, rows)
        self._maps.pop(self._own, None)
        self._written += rows

    def get(self, key: str) -> Encoded:
        """Arrays of one entry, views into the files.

        Raises:
            KeyError: it is not there.
        """
        shard, start, rows = self._places[key]
        if shard not in self._maps:
            self._maps[shard] = self._open(shard)
        visual, semantic = self._maps[shard]
        return Encoded(visual[start : start + rows], semantic[start : start + rows])

    def _open(self, shard: str) -> tuple[np.memmap, np.memmap]:
        assert self._widths is not None  # noqa: S101 - an entry has been read or written
        visual, semantic = (
            np.memmap(path, np.float16, "r", shape=(path.stat().st_size // (2 * width), width))
            for path, width in zip(
                (self.folder / f"{shard}.visual", self.folder / f"{shard}.semantic"),
                self._widths,
                strict=True,
            )
        )
        return visual, semantic


def _claim(path: Path, fingerprint: dict[str, str]) -> None:
    if not path.exists():
        path.write_text(json.dumps(fingerprint, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    elif json.loads(path.read_text(encoding="utf-8")) != fingerprint:
        raise InputError(
            f"{path.parent} holds tokens of another backbone or of other versions of it; name another folder, "
            "or delete this one."
        )


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
    report: Progress | None = None,
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
        results = map_in_processes(encode_pairs, tasks, workers)
    else:
        results = (_encode(group, images, backbone, store) for images, group, *_ in tasks)
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
                positive if source is None else render_negative(source, positive, images)
                for _, source in chosen
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


class TokenSource:
    """Sides to the input of the network."""

    def __init__(self, backbone: Backbone, cache: TokenCache) -> None:
        self.backbone, self.cache = backbone, cache

    def __call__(self, sides: Sequence[Side], dimension: Dimension) -> Tokens:
        """Tokens of sides, (B, V, ...).

        Raises:
            KeyError: the cache lacks one.
        """
        reads = self.backbone.reads_prompt
        encoded = [self.cache.get(key_of(side.pixels, side.prompt, reads)) for side in sides]
        return self.backbone.tokens(encoded, [side.prompt for side in sides], dimension)
