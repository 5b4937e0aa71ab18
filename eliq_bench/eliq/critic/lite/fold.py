"""The same network in fewer passes over memory: norms folded into convolutions, 1 x 1 convolutions as products.

PyTorch sends a 1 x 1 convolution on one CPU thread through a slow path; as a matrix product over channels-last maps it
takes half the time. Outputs differ by rounding only.
"""

from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class Pointwise(nn.Linear):
    """A 1 x 1 convolution of channels-last maps (B, C, h, w) as a matrix product."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps (B, out_features, h, w), channels last."""
        return super().forward(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def fold(network: Any) -> None:
    """Change a frozen EfficientNet-lite in place."""
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
    made = Pointwise(convolution.in_channels, convolution.out_channels)
    state = {"weight": convolution.weight[:, :, 0, 0], "bias": convolution.bias}
    made.load_state_dict(state)
    return made


def _pad_inside(convolution: Any) -> Any:
    """Leave symmetric padding to the convolution, which then needs no padded copy."""
    padding = getattr(convolution, "static_padding", None)
    if isinstance(padding, nn.ZeroPad2d):
        left, right, top, bottom = padding.padding
        if left == right and top == bottom:
            convolution.padding = (top, left)
            convolution.static_padding = nn.Identity()
    return convolution
