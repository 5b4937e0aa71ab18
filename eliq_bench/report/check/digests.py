"""Long columns of a baseline as short texts: packed where they are needed again, digests where not."""

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterable

from eliq_bench.types import ItemTable


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
    """The texts that `pack_texts` was given.

    Raises:
        ValueError: the text is damaged.
    """
    try:
        content = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)))
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"packed texts are damaged: {error}") from error
    return [str(text) for text in content]
