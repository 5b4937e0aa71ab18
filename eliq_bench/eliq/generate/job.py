"""One image to draw: everything that decides on its pixels, and the name that follows from it."""

import hashlib
import json
from typing import NamedTuple

FOLDER = "images"


class Job(NamedTuple):
    """The recipe of an image; equal recipes have equal names."""

    prompt: str
    """What the image is judged against."""
    drawn_from: str
    """What the pipeline is told: the prompt, a changed prompt, or an instruction to an editor."""
    pipeline: str
    revision: str
    seed: int
    steps: int
    guidance: float | None
    size: tuple[int, int] | None
    """(width, height) asked for; None takes that of the pipeline."""
    dtype: str
    scale: float = 1.0
    """Of a negative: drawn at this share of the width and height of its positive."""
    latent_noise: float = 0.0
    """Of a negative: deviation of noise added to the latents late on, as a share of their own."""
    negative_of: str = ""
    """Name of the positive; a negative is brought to its size."""
    mode: str = ""
    severity: int = 0
    edits: bool = False
    """Whether the positive is given to the pipeline."""

    @property
    def name(self) -> str:
        """Path of the image in the folder of output, with a digest of the recipe."""
        text = json.dumps(self._asdict(), sort_keys=True)
        return f"{FOLDER}/{hashlib.sha256(text.encode()).hexdigest()[:24]}.png"
