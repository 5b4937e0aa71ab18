"""Building pairs on two cores, beside what the image codec alone allows for the same images.

    python benchmarks/pairs_speed.py POOL --images 200

Build: `build_pairs` from nothing to the manifest, start of the workers, filters and hashes included.
Codec: what any pipeline must pay that stores its negatives, in as many processes of the same kind: each positive
is decoded once, and for each of its image-level pairs an image of its size is encoded as JPEG of quality 95 and
decoded again. The pixels of the positive stand for those of the negative, which favours the codec: noisy negatives
take longer. Alignment pairs compute no pixels and count on neither side. The single figure is the ratio of rates.
"""

import argparse
import io
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from eliq_bench.eliq.pairs.build import build_pairs
from eliq_bench.eliq.pairs.build_info import image_folder
from eliq_bench.eliq.pairs.manifest import read_pairs
from eliq_bench.eliq.pairs.settings import CHUNK, BuildSettings
from eliq_bench.io.images import decode
from eliq_bench.io.workers import map_in_processes

LEAST = 0.6


def code(root: Path, positives: list[tuple[str, int]]) -> int:
    """Decode each positive and code it as often as it has pairs; runs in the workers."""
    for name, count in positives:
        image = decode(root / name)
        for _ in range(count):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "JPEG", quality=95)
            np.asarray(Image.open(file).convert("RGB"))
    return sum(count for _, count in positives)


def codec_seconds(root: Path, positives: list[tuple[str, int]], workers: int) -> float:
    """Seconds of the codec alone, start of the workers included."""
    started = time.perf_counter()
    chunks = [(root, positives[at : at + CHUNK]) for at in range(0, len(positives), CHUNK)]
    assert sum(map_in_processes(code, chunks, workers)) == sum(count for _, count in positives)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    ratios = []
    for _ in range(given.repeat):
        load = os.getloadavg()[0]
        with tempfile.TemporaryDirectory() as folder:
            built = build_pairs(given.pool, Path(folder), BuildSettings(), given.workers, given.images)
            root = image_folder(built.manifest)
            counts = Counter(pair.positive for pair in read_pairs(built.manifest) if pair.aspect != "alignment")
            codec = codec_seconds(root, sorted(counts.items()), given.workers)
        ratios.append(codec / built.seconds)
        print(
            f"{counts.total():,} image-level pairs of {len(counts)} positives: build {built.seconds:.1f} s "
            f"({counts.total() / built.seconds:.0f}/s), codec {codec:.1f} s ({counts.total() / codec:.0f}/s), "
            f"ratio {ratios[-1]:.2f}, load before {load:.1f}"
        )
    print(f"Median ratio {np.median(ratios):.2f}; at least {LEAST} wanted.")


if __name__ == "__main__":
    import pairs_speed  # under the name by which the workers import it

    pairs_speed.main()
