"""Asymmetric generalised Gaussian fits for pyiqa's natural-scene statistics, without the rebuilt lookup table.

NIQE, IL-NIQE and BRISQUE fit an AGGD about ten times per image by moment matching (Lasmar et al., ICIP 2009;
Mittal et al., TIP 2012, section III): the shape whose moment ratio is nearest to the measured one, looked up on a
grid of 9,801 shapes. pyiqa 0.1.16 computes that grid anew for every fit, a sixth of NIQE's time. Here it is kept.
The arithmetic follows the same order, so that scores stay bit for bit those of pyiqa.
"""

from functools import cache
from typing import Any

SHAPES = (0.2, 10.001, 0.001)
"""First shape, end (exclusive) and step of the grid, as in the authors' MATLAB release."""


def fit(block: Any, return_sigma: bool = False) -> tuple[Any, Any, Any]:
    """AGGD parameters of each block, moment matching.

    Args:
        block: (B, 1, H, W) float tensor of normalised luminance or of products of neighbours.
        return_sigma: Return the standard deviations of both sides instead of the scales.

    Returns:
        Shape (B, 1), left and right scale (B,) or (B, 1) as pyiqa's `estimate_aggd_param` gives them.
    """
    import torch

    shapes, ratios = _lookup(block.dtype, block.device)
    left, right = (_rms(side) for side in (block.clamp(max=0), block.clamp(min=0)))
    skew = left / right
    ratio = block.abs().mean(dim=(-1, -2)).pow(2) / (block * block).mean(dim=(-1, -2))
    normalised = (ratio * (skew.pow(3) + 1) * (skew + 1)) / (skew.pow(2) + 1).pow(2)
    shape = shapes[(ratios - normalised).abs().argmin(dim=-1)]
    if return_sigma:
        return shape, left.squeeze(-1), right.squeeze(-1)
    scale = (torch.lgamma(1 / shape) - torch.lgamma(3 / shape)).exp().sqrt()
    return shape, left.squeeze(-1) * scale, right.squeeze(-1) * scale


def _rms(side: Any) -> Any:
    """Root mean square of the values that are not zero, (B, 1)."""
    import torch

    count = (side != 0).sum(dim=(-1, -2)).float()
    return torch.sqrt((side * side).sum(dim=(-1, -2)) / count)


@cache
def _lookup(dtype: Any, device: Any) -> tuple[Any, Any]:
    """Grid of shapes (9801,) and their moment ratios (1, 9801)."""
    import torch

    shapes = torch.arange(*SHAPES).to(device=device, dtype=dtype)
    ratios = (2 * torch.lgamma(2.0 / shapes) - (torch.lgamma(1.0 / shapes) + torch.lgamma(3.0 / shapes))).exp()
    return shapes, ratios[None]
