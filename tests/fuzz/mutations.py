"""Ways to damage a file, drawn by a seeded generator."""

from collections.abc import Callable

import numpy as np

Draw = np.random.Generator
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Where counters and sizes overflow."""
WORDS = (
    b"\0",
    b"\xff\xfe",
    b'"',
    b",,,,",
    b"\n\n\r",
    b"nan",
    b"-inf",
    b"1e999",
    b"../../x",
    b"/dev/zero",
    b"<script>",
    b"[/x]",
    b"=cmd()",
    b"$\\frac{$",
    b"{" * 3000,
    b"x" * 300,
    "ж\u202e𝔘".encode(),
    b"null",
    b"true",
    b"-1",
    b"99999999999999999999",
    b"2147483648",
    b"[]",
    b"{}",
)


def bytes_set(data: bytearray, rng: Draw) -> None:
    """Random bytes at random places, mostly near the beginning, where the headers are."""
    for _ in range(rng.integers(1, 9)):
        data[_place(data, rng)] = rng.integers(256)


def number_set(data: bytearray, rng: Draw) -> None:
    """An extreme number of one to four bytes."""
    width = int(rng.choice([1, 2, 4]))
    number = int(rng.choice(EXTREMES)) % 256**width
    at = _place(data, rng)
    data[at : at + width] = number.to_bytes(width, "little" if rng.random() < 0.5 else "big")


def cut(data: bytearray, rng: Draw) -> None:
    """The end is missing."""
    del data[int(rng.integers(len(data))) :]


def part_removed(data: bytearray, rng: Draw) -> None:
    """A stretch is missing."""
    start = _place(data, rng)
    del data[start : start + int(rng.integers(1, 40))]


def part_repeated(data: bytearray, rng: Draw) -> None:
    """A stretch comes several times."""
    start = _place(data, rng)
    part = data[start : start + int(rng.integers(1, 200))]
    data[start:start] = part * int(rng.integers(1, 50))


def word_inserted(data: bytearray, rng: Draw) -> None:
    """What texts choke on, in place of what was there or in between."""
    word = WORDS[rng.integers(len(WORDS))]
    start = int(rng.integers(len(data) + 1))
    data[start : start + int(rng.choice([0, len(word)]))] = word


def line_changed(data: bytearray, rng: Draw) -> None:
    """A line is dropped, doubled or moved."""
    lines = bytes(data).split(b"\n")
    line = lines.pop(rng.integers(len(lines)))
    for _ in range(rng.integers(3)):
        lines.insert(int(rng.integers(len(lines) + 1)), line)
    data[:] = b"\n".join(lines)


BINARY: tuple[Callable[[bytearray, Draw], None], ...] = (bytes_set, number_set, cut, part_removed, part_repeated)
TEXT = (*BINARY[2:], bytes_set, word_inserted, word_inserted, line_changed)


def mutated(content: bytes, rng: Draw, ways: tuple[Callable[[bytearray, Draw], None], ...]) -> bytes:
    """The content after one to three mutations."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        if data:
            ways[rng.integers(len(ways))](data, rng)
    return bytes(data)


def _place(data: bytearray, rng: Draw) -> int:
    end = len(data) if rng.random() < 0.4 else min(len(data), 200)
    return int(rng.integers(end))
