"""Tokens of every side of every pair: computed once by the frozen backbone, in worker processes on CPUs, and cached."""

import hashlib
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import TypeAdapter

from eliq_bench.eliq.critic.backbone import RGB, Backbone, Dimension, Encoded, Tokens
from eliq_bench.eliq.critic.critic import create_backbone
from eliq_bench.eliq.critic.recipe import BackboneRecipe, Recipe
from eliq_bench.eliq.pairs.manifest import Pair, pixel_hash, render_negative
from eliq_bench.eliq.training.pairs import Corpus, Side, preference_of, takes
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.workers import map_in_processes
from eliq_bench.io.write import locked, write_whole
from eliq_bench.types import Progress

FINGERPRINT_FILE = "backbone.json"
AFTER_ENCODE = ("projection",)
"""Entries of a fingerprint that only `Backbone.tokens` depends on: cached arrays stay valid if they change."""


class _ShardRows(NamedTuple):
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
        self.folder = folder
        self._own = uuid.uuid4().hex[:12]
        self._places: dict[str, _ShardRows] = {}
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
                self._places[key] = _ShardRows(path.stem, int(start), int(rows))
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
        self._places[key] = _ShardRows(self._own, self._written, rows)
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
    text = json.dumps(fingerprint, indent=1, sort_keys=True) + "\n"
    with locked(path.parent):
        if not path.exists():
            write_whole(path, lambda target: target.write_text(text, encoding="utf-8"), "choose another --tokens")
        elif json.loads(path.read_text(encoding="utf-8")) != fingerprint:
            raise InputError(
                f"{path.parent} holds tokens of another backbone or of other versions of it; name another folder, "
                "or delete this one."
            )


BATCH = 8
"""Images per call of the backbone."""


@dataclass(frozen=True)
class Hardware:
    """Where and how the backbone runs."""

    device: str = "cpu"
    """A torch device; anything but `cpu` is used by this process alone."""
    dtype: str = "auto"
    """Name of a torch dtype, or `auto`."""
    workers: int | None = None
    """Processes on the CPU; None takes one per core."""


CPU = Hardware()


class TokenSource:
    """Makes the input of the network for sides of pairs."""

    def __init__(self, backbone: Backbone, cache: TokenCache) -> None:
        self.backbone, self.cache = backbone, cache

    def __call__(self, sides: Sequence[Side], dimension: Dimension) -> Tokens:
        """Tokens of B sides, (B, V, ...).

        Raises:
            KeyError: a side is not in the cache.
        """
        reads = self.backbone.reads_prompt
        encoded = [self.cache.get(key_of(side.pixels, side.prompt, reads)) for side in sides]
        return self.backbone.tokens(encoded, [side.prompt for side in sides], dimension)


def token_source(
    recipe: Recipe,
    corpus: Corpus,
    hardware: Hardware,
    progress: Progress | None = None,
    held_out_only: bool = False,
) -> TokenSource:
    """Encode the sides of all pairs that a recipe uses; sides in the cache are kept, so a killed run continues.

    Args:
        recipe: its backbone, and its choice of pairs.
        corpus: pairs, images, and the folder of the cache.
        hardware: of the backbone.
        progress: stage `encoding`, counted in positives.
        held_out_only: leave out the training pairs.

    Raises:
        InputError: no manifest, or the cache belongs to another backbone.
        EliqBenchError: an image cannot be read or is not the one of the manifest.
    """
    backbone = create_backbone(recipe.backbone, hardware.device, hardware.dtype)
    store = TokenCache(corpus.tokens, backbone.fingerprint())
    used = (
        pair for pair in corpus.rows if takes(recipe.pairs, pair) and (pair.split == "held-out" or not held_out_only)
    )
    missing = [group for group in _by_positive(used) if any(key not in store for key in _keys(group, backbone))]
    results: Iterator[int]
    if hardware.device == "cpu":
        tasks = ((corpus.images, group, recipe.backbone, corpus.tokens, hardware) for group in missing)
        results = map_in_processes(encode_pairs, tasks, hardware.workers)
    else:
        results = (_encode(group, corpus.images, backbone, store) for group in missing)
    for done, _ in enumerate(results, start=1):
        if progress:
            progress("encoding", done, len(missing))
    store.refresh()
    return TokenSource(backbone, store)


def encode_pairs(images: Path, pairs: list[Pair], recipe: BackboneRecipe, folder: Path, hardware: Hardware) -> int:
    """Encode the sides of one positive's pairs that are not cached; runs in the workers; returns their number."""
    backbone, store = _tools(recipe.model_dump_json(), folder, hardware)
    return _encode(pairs, images, backbone, store)


@cache
def _tools(recipe: str, folder: Path, hardware: Hardware) -> tuple[Backbone, TokenCache]:
    """Built once per worker; the recipe is JSON, since that of an mllm is not hashable."""
    settings: BackboneRecipe = TypeAdapter(BackboneRecipe).validate_json(recipe)
    backbone = create_backbone(settings, hardware.device, hardware.dtype)
    return backbone, TokenCache(folder, backbone.fingerprint())


def _encode(pairs: list[Pair], images: Path, backbone: Backbone, store: TokenCache) -> int:
    wanted: dict[str, tuple[Side, Pair | None]] = {}
    for pair in pairs:
        one = preference_of(pair)
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
            pixels = [positive if source is None else render_negative(source, positive, images) for _, source in chosen]
            for (side, _), image in zip(chosen, pixels, strict=True):
                _check(image, side, pairs[0])
            arrays = backbone.encode(pixels, [side.prompt for side, _ in chosen])
            for key, encoded in zip(keys[start : start + BATCH], arrays, strict=True):
                store.add(key, encoded)
    except DecodeError as error:
        raise EliqBenchError(f"An image of {pairs[0].positive} cannot be read: {error}.") from error
    return len(keys)


def _check(image: RGB, side: Side, pair: Pair) -> None:
    if pixel_hash(image) != side.pixels:
        raise EliqBenchError(
            f"A side of {pair.positive} has other pixels than the manifest says; see `eliq-bench pairs verify`."
        )


def _by_positive(pairs: Iterator[Pair]) -> Iterator[list[Pair]]:
    """Pairs that follow each other and share a positive."""
    for _, group in groupby(pairs, key=lambda pair: pair.positive):
        yield list(group)


def _keys(pairs: list[Pair], backbone: Backbone) -> Iterator[str]:
    for pair in pairs:
        one = preference_of(pair)
        for side in (one.better, one.worse):
            yield key_of(side.pixels, side.prompt, backbone.reads_prompt)
