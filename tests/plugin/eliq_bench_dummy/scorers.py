import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from eliq_bench.cards import DatasetCard, ModelCard
from eliq_bench.types import NO_PROMPT, Batch, Items, Scorer, Scores


class Mean:
    def __init__(self, card: ModelCard, options: dict[str, Any]) -> None:
        self.card, self.gain = card, options.get("gain", 1.0)

    def prepare(self, image: Any) -> Any:
        return image

    def score(self, batch: Batch) -> Scores:
        return Scores({"quality": self.gain * batch.images.mean(axis=(1, 2, 3))})


class Backwards(Mean):
    def score(self, batch: Batch) -> Scores:
        return Scores({"quality": -batch.images.mean(axis=(1, 2, 3))})


class Slow(Mean):
    def score(self, batch: Batch) -> Scores:
        time.sleep(0.02 * len(batch.images))
        return super().score(batch)


class Moments(Mean):
    """Features of which the first is brightness; its score is the darkness."""

    def score(self, batch: Batch) -> Scores:
        return Scores({"quality": -batch.images.mean(axis=(1, 2, 3))})

    def features(self, batch: Batch) -> dict[str, Any]:
        pixels = batch.images.reshape(len(batch.images), -1).astype(np.float64)
        return {"quality": np.stack([pixels.mean(axis=1), pixels.std(axis=1), pixels[:, 0]], axis=1)}


class Drowsy(Moments):
    def features(self, batch: Batch) -> dict[str, Any]:
        time.sleep(0.02 * len(batch.images))
        return super().features(batch)


class Killer(Mean):
    """Dies with its process on an image whose first pixel is pure red."""

    def score(self, batch: Batch) -> Scores:
        if (batch.images[:, 0, 0] == (255, 0, 0)).all(axis=1).any():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().score(batch)


class Fragile(Mean):
    """Raises on an image whose first pixel is pure red."""

    def score(self, batch: Batch) -> Scores:
        if (batch.images[:, 0, 0] == (255, 0, 0)).all(axis=1).any():
            raise RuntimeError("red is not supported\nsecond line")
        return super().score(batch)


class Hungry(Mean):
    """Runs out of memory on more than two images."""

    def score(self, batch: Batch) -> Scores:
        if len(batch.images) > 2:
            raise MemoryError
        return super().score(batch)


class Reader(Mean):
    def score(self, batch: Batch) -> Scores:
        length = np.array([float(len(prompt)) for prompt in batch.prompts])
        return Scores({"alignment": length, "quality": batch.images.mean(axis=(1, 2, 3))})


class Critic(Mean):
    """Quality without a prompt, alignment with one."""

    def score(self, batch: Batch) -> Scores:
        length = np.array([float(len(prompt)) if prompt else np.nan for prompt in batch.prompts])
        reasons = tuple("" if prompt else NO_PROMPT for prompt in batch.prompts)
        return Scores({"alignment": length, "quality": batch.images.mean(axis=(1, 2, 3))}, reasons)


def factory(kind: type[Mean]) -> Any:
    def create(card: ModelCard, options: dict[str, Any], device: str, dtype: str) -> Scorer:
        return kind(card, options)

    return create


mean, backwards, trained, slow = factory(Mean), factory(Backwards), factory(Mean), factory(Slow)
moments, drowsy = factory(Moments), factory(Drowsy)
killer, fragile, hungry = factory(Killer), factory(Fragile), factory(Hungry)
reader, critic = factory(Reader), factory(Critic)


def unbuildable(card: ModelCard, options: dict[str, Any], device: str, dtype: str) -> Scorer:
    raise RuntimeError("the weights are of another version")


def read(card: DatasetCard, root: Path) -> Items:
    names = tuple(f"{number}.png" for number in range(card.images))
    nothing = (None,) * card.images
    return Items(
        name=names,
        image=nothing,
        prompt=nothing,
        generator=nothing,
        generator_family=nothing,
        group=names,
        labels={"quality": np.arange(card.images, dtype=np.float64)},
    )
