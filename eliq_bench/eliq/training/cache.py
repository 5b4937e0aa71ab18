"""Arrays of a frozen backbone on disk: computed once, memory-mapped afterwards, keyed by content.

A folder belongs to one fingerprint of a backbone. Each writer appends to shards of its own: `NAME.visual` and
`NAME.semantic` hold rows of float16, `NAME.keys` a line per entry (key, first row, rows). The line is written last, so
that a killed writer loses the entry in hand and nothing else.
"""

import hashlib
import json
import uuid
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eliq_bench.eliq.critic.backbone import Encoded
from eliq_bench.errors import InputError

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
