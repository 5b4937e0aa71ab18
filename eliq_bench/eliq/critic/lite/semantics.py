"""What an image shows, by region: features of the last stage, and the ImageNet classes in words (ConSE).

The image network learnt at 224 pixels, so content is read at 288: on held-out pairs of prompts and images it told own
from other prompts better there than at 512 (docs/method.md).
"""

from collections.abc import Sequence

import torch
from torch.nn.functional import adaptive_avg_pool2d

from eliq_bench.eliq.critic.backbone import RGB
from eliq_bench.eliq.critic.lite.text import WIDTH, LiteText
from eliq_bench.eliq.critic.lite.vision import STAGES, LiteVision, pixels

LONGEST = 288
"""Pixels of the long side above which an image is scaled down."""
GRID = 3
FEATURES = STAGES["head"] + WIDTH
"""Channels of a region: means of the last stage, then the mean of class names weighted by their probabilities."""


class LiteSemantics:
    """Reads content with the networks of the backbone; the names of the classes are encoded once."""

    def __init__(self, vision: LiteVision, text: LiteText) -> None:
        self.vision, self.text = vision, text
        self._names: torch.Tensor | None = None

    @torch.no_grad()
    def features(self, image: RGB) -> torch.Tensor:
        """Features of the whole and of the cells of a 3 x 3 grid, row by row: (10, FEATURES) float32.

        Args:
            image: (H, W, 3) uint8.
        """
        head = self.vision.maps(pixels(image, LONGEST))["head"]
        cells = adaptive_avg_pool2d(head, GRID)[0].flatten(1).T
        regions = torch.cat([head.mean((2, 3)), cells])
        named = self.vision.classes(regions) @ self._class_names().to(regions.device)
        return torch.cat([regions, named], dim=1).cpu()

    def _class_names(self) -> torch.Tensor:
        if self._names is None:
            self._names = self.text.sentences(class_names())
        return self._names


def class_names() -> Sequence[str]:
    """The names of the 1,000 ImageNet classes in their order."""
    from torchvision.models._meta import _IMAGENET_CATEGORIES

    return list(_IMAGENET_CATEGORIES)
