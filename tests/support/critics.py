"""A backbone for tests of the critic: colours of four quarters, and the words for them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter

from eliq_bench.eliq.critic.backbone import RGB, Dimension, Encoded, Tokens, pad

COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}


class ToyBackbone:
    """Contrast and sharpness of four quarters as visual tokens, their colours as semantic ones."""

    name = "toy"
    visual_width = 3
    semantic_width = 3
    reads_prompt = False

    def __init__(self) -> None:
        self.encoded = 0

    def fingerprint(self) -> dict[str, str]:
        return {"kind": "toy", "version": "1"}

    def encode(self, images: Sequence[RGB], prompts: Sequence[str]) -> list[Encoded]:
        self.encoded += len(images)
        return [self._encode(image) for image in images]

    def tokens(self, encoded: Sequence[Encoded], prompts: Sequence[str], dimension: Dimension) -> Tokens:
        visual, mask = pad([one.visual for one in encoded])
        semantic, _ = pad([one.semantic for one in encoded])
        if dimension == "quality":
            return Tokens(visual, torch.zeros_like(semantic), mask)
        words = torch.tensor(
            [[float(name in prompt.split()) for name in COLOURS] for prompt in prompts], dtype=torch.float32
        )
        return Tokens(visual, semantic * words[:, None, :], mask)

    def _encode(self, image: RGB) -> Encoded:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        visual, semantic = [], []
        for top in (0, height):
            for left in (0, width):
                part = image[top : top + height, left : left + width].astype(np.float32) / 255
                luma = part.mean(2)
                edges = np.abs(np.diff(luma, axis=0)).mean(), np.abs(np.diff(luma, axis=1)).mean()
                visual.append([10 * edges[0], 10 * edges[1], luma.std()])
                semantic.append(part.mean((0, 1)) - part.mean())
        return Encoded(np.array(visual, np.float16), np.array(semantic, np.float16))


def draw_pool(folder: Path, count: int = 12) -> Path:
    """A folder of coloured, textured images with an index that names their colour."""
    (folder / "images").mkdir(parents=True)
    rows = ["name,prompt,generator"]
    random = np.random.default_rng(5)
    for number in range(count):
        name, colour = list(COLOURS.items())[number % 3]
        texture = random.random((264, 264)) * (random.random((33, 33)).repeat(8, 0).repeat(8, 1) > 0.3)
        pixels = 255 * (0.25 + 0.5 * texture[..., None] * (0.3 + 0.7 * np.array(colour)))
        picture = Image.fromarray(pixels.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.4))
        picture.save(folder / "images" / f"{number:02d}.png")
        rows.append(f"{number:02d}.png,a {name} cloth number {number},toy")
    (folder / "index.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder
