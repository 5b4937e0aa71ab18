"""Ways to damage a file, drawn by a seeded generator."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

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


def cell_changed(data: bytearray, rng: Draw) -> None:
    """A cell of a table holds something else."""
    lines = bytes(data).split(b"\n")
    at = int(rng.integers(len(lines)))
    separator = b"\t" if b"\t" in lines[at] else b","
    cells = lines[at].split(separator)
    cells[rng.integers(len(cells))] = WORDS[rng.integers(len(WORDS))]
    lines[at] = separator.join(cells)
    data[:] = b"\n".join(lines)


VALUES: tuple[Any, ...] = (None, True, -1, 0, 2**31, 2**63, 1e308, float("nan"), "", "../x", "\x1b[31m", [], {}, [[]])


def json_changed(data: bytearray, rng: Draw) -> None:
    """A value of a JSON document is another, or missing, at a random depth."""
    content = json.loads(bytes(data))
    _change(content, rng)
    data[:] = json.dumps(content).encode()


def _change(node: Any, rng: Draw) -> None:
    while isinstance(node, dict | list) and node:
        keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = keys[rng.integers(len(keys))]
        if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.9:
            node = node[key]
        elif rng.random() < 0.2:
            del node[key]
            return
        else:
            node[key] = VALUES[rng.integers(len(VALUES))]
            return


def checkpoint_changed(data: bytearray, rng: Draw) -> None:
    """A value in the header of a safetensors file is another, or one in a JSON text of its metadata."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(bytes(data[8 : 8 + size]))
    texts = header.get("__metadata__", {})
    if texts and rng.random() < 0.7:
        key = next(iter(texts))
        card = json.loads(texts[key])
        _change(card, rng)
        texts[key] = json.dumps(card)
    else:
        _change(header, rng)
    packed = json.dumps(header).encode()
    data[: 8 + size] = len(packed).to_bytes(8, "little") + packed


def parquet_changed(data: bytearray, rng: Draw) -> None:
    """A column of a Parquet file is missing, of another type, empty, or has another value in a row."""
    table = pq.ParquetFile(io.BytesIO(bytes(data))).read()
    at = int(rng.integers(table.num_columns))
    name, column = table.column_names[at], table.column(at)
    way = rng.integers(4)
    if way == 0:
        table = table.drop_columns([name])
    else:
        cells: list[Any] = column.to_pylist()
        if way == 1:
            changed = pa.array([str(cell) for cell in cells])
        elif way == 2:
            changed = pa.nulls(len(cells), column.type)
        else:
            cells[rng.integers(len(cells))] = VALUES[rng.integers(9)]
            changed = pa.array(cells, column.type)
        table = table.set_column(at, name, changed)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    data[:] = sink.getvalue()


STRUCTURE = {b"PAR1": parquet_changed, b"{": json_changed, b"image": cell_changed}
"""By the first bytes of the file."""


def restructured(content: bytes, rng: Draw) -> bytes:
    """The content with a valid structure and a wrong value in it; the content itself where that fails."""
    ways = [way for begins, way in STRUCTURE.items() if content.startswith(begins)]
    way = ways[0] if ways else checkpoint_changed if content[8:9] == b"{" else line_changed
    data = bytearray(content)
    with suppress(pa.ArrowException, TypeError, OverflowError):  # the value does not fit the column
        way(data, rng)
    return bytes(data)


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
