"""The pixels of a virtual negative, computed from its row."""

from pathlib import Path

from eliq_bench.eliq.pairs.degrade import RGB, degrade
from eliq_bench.eliq.pairs.manifest import Pair
from eliq_bench.runner.decode import decode


def negative_of(pair: Pair, positive: RGB, root: Path) -> RGB:
    """What the negative of a pair shows, (H, W, 3); for another caption it is the positive itself.

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
