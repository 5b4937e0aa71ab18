"""Random numbers that depend on names alone, so that a result does not depend on the order of the work."""

import hashlib


def seeded_number(seed: int, *about: object) -> int:
    """A number from 0 to 2**31 - 1 that depends on nothing but the arguments.

    >>> seeded_number(0, "cat.png", "jpeg_noise")
    130967309
    """
    text = "/".join(map(str, (seed, *about)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little") >> 1
