"""Images per second of the critic that ships, one thread a process, as many processes as cores.

    python benchmarks/lite_speed.py --images 60

Photograph-like images of 512 x 512 under a prompt, all of `CriticScorer.score`; start of the processes excluded.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np


def rate(images: int, seed: int) -> float:
    """Images per second of one process."""
    import torch
    from skimage import data

    from eliq_bench.registry import create_model
    from eliq_bench.types import Batch

    torch.set_num_threads(1)
    scorer = create_model("eliq")
    random = np.random.default_rng(seed)
    photographs: Any = data
    seen = photographs.astronaut().astype(np.int16)
    drawn = [np.clip(seen + random.integers(-9, 9, seen.shape), 0, 255).astype(np.uint8) for _ in range(images)]
    scorer.score(Batch(drawn[0][None], ("a woman",)))
    began = time.perf_counter()
    for at in range(0, images, 4):
        batch = np.stack(drawn[at : at + 4])
        scorer.score(Batch(batch, ("a woman in an astronaut's suit",) * len(batch)))
    return images / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60)
    given = parser.parse_args()
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers) as pool:
        rates = list(pool.map(rate, [given.images] * workers, range(workers)))
    print(f"{workers} processes: {' + '.join(f'{one:.1f}' for one in rates)} = {sum(rates):.1f} images/s at 512 x 512")


if __name__ == "__main__":
    main()
