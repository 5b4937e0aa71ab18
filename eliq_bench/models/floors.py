"""Trivial predictors of quality and alignment: what any real model must beat."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eliq_bench.cards import ModelCard
from eliq_bench.types import Batch, Scorer, Scores

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, the weights of Pillow's mode L
JPEG_QUALITY = 75  # Pillow's default; AGIQA-3K as published is stored at this quality


class FloorScorer:
    """Applies one function to each image; needs neither torch nor weights."""

    def __init__(self, card: ModelCard, measure: Callable[[NDArray[np.uint8]], float]) -> None:
        self.card = card
        self.measure = measure

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """The measure itself, shape (1,): images of all sizes share a batch."""
        return np.array([self.measure(image)], dtype=np.float64)

    def score(self, batch: Batch) -> Scores:
        """The prepared values, under the card's only dimension."""
        (dimension,) = self.card.dimensions
        return Scores({dimension: batch.images[:, 0].astype(np.float64)})


class PromptWords:
    """Minus the number of words of the prompt."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """Nothing: no pixel is read."""
        return np.zeros(1)

    def score(self, batch: Batch) -> Scores:
        """Minus the word count of each prompt, (B,)."""
        return Scores({"alignment": np.array([-float(len(prompt.split())) for prompt in batch.prompts])})


def _luma(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(image @ LUMA, dtype=np.float64)


def measure_jpeg_bytes(image: NDArray[np.uint8]) -> float:
    """Bytes of the image saved as JPEG, quality 75, 4:2:0."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return float(buffer.tell())


def measure_sharpness(image: NDArray[np.uint8]) -> float:
    """Variance of the four-neighbour Laplacian of luma, over inner pixels."""
    y = _luma(image)
    laplacian = y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:] - 4 * y[1:-1, 1:-1]
    return float(laplacian.var())


def measure_colorfulness(image: NDArray[np.uint8]) -> float:
    """Hasler and Süsstrunk's M3: spread plus 0.3 times the mean of the opponent colours rg and yb."""
    red, green, blue = (image[..., channel].astype(np.float64) for channel in range(3))
    rg, yb = red - green, 0.5 * (red + green) - blue
    spread = np.hypot(rg.std(), yb.std())
    return float(spread + 0.3 * np.hypot(rg.mean(), yb.mean()))


def measure_contrast(image: NDArray[np.uint8]) -> float:
    """Standard deviation of luma, 0 to 127.5."""
    return float(_luma(image).std())


def measure_luma(image: NDArray[np.uint8]) -> float:
    """Mean luma, 0 to 255."""
    return float(_luma(image).mean())


def _factory(measure: Callable[[NDArray[np.uint8]], float]) -> Callable[..., Scorer]:
    def create(card: ModelCard, options: dict[str, Any], device: str, dtype: str) -> Scorer:
        return FloorScorer(card, measure)

    return create


jpeg_bytes = _factory(measure_jpeg_bytes)
sharpness = _factory(measure_sharpness)
colorfulness = _factory(measure_colorfulness)
contrast = _factory(measure_contrast)
luma = _factory(measure_luma)


def prompt_words(card: ModelCard, options: dict[str, Any], device: str, dtype: str) -> Scorer:
    """Scorer of the floor `prompt-words`."""
    return PromptWords(card)
