"""Visual tokens of regions: features of the image network and natural-scene statistics of each part of an image.

A token is a region: first the whole image, then the cells of a 3 x 3 grid at the image's own aspect. It holds the mean
and the standard deviation of every channel of every stage (means only of the last, whose deviations are mostly noise),
and an asymmetric generalised Gaussian fit of locally normalised luminance and of its products with neighbours at two
scales, the features of Mittal et al. (NIQE, IEEE SPL 2013). Their weights are learnt from pairs.
"""

import torch
from torch.nn.functional import adaptive_avg_pool2d, conv2d, interpolate, pad

from eliq_bench.eliq.critic.lite import aggd
from eliq_bench.eliq.critic.lite.vision import STAGES

GRID = 3
TOKENS = 1 + GRID * GRID
SCALES = 2
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
SCENE_WIDTH = SCALES * (2 + 4 * len(_NEIGHBOURS) + 2)
NETWORK_WIDTH = 2 * sum(STAGES.values()) - STAGES["head"]
SMALLEST_SIDE = 32
"""Pixels; below this the grid has cells without pixels at the coarsest stage."""


def network_tokens(maps: dict[str, torch.Tensor]) -> torch.Tensor:
    """Moments of feature maps (1, C, h, w) by region, (TOKENS, NETWORK_WIDTH)."""
    columns = []
    for name in STAGES:
        mean, square = (_cells(values) for values in (maps[name], maps[name] ** 2))
        columns.append(mean)
        if name != "head":
            columns.append((square - mean**2).clamp(min=0).sqrt())
    return torch.cat(columns, dim=1)


def scene_tokens(pixels: torch.Tensor) -> torch.Tensor:
    """Natural-scene statistics of an image (1, 3, H, W) of 0 to 255 by region, (TOKENS, SCENE_WIDTH)."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=pixels.device).view(1, 3, 1, 1)
    luma = (pixels.float() * weights).sum(1, keepdim=True)
    columns = []
    for _ in range(SCALES):
        columns += _statistics(luma)
        luma = interpolate(luma, scale_factor=0.5, mode="bilinear", antialias=True)
    return torch.nan_to_num(torch.cat(columns, dim=1), nan=0.0, posinf=0.0, neginf=0.0)


def _statistics(luma: torch.Tensor) -> list[torch.Tensor]:
    mean = _blur(luma)
    contrast = (_blur(luma**2) - mean**2).clamp(min=0).sqrt()
    normal = (luma - mean) / (contrast + 1)
    boxes = _boxes(*luma.shape[2:])
    columns = [torch.stack([_fit(normal[..., top:bottom, left:right]) for top, bottom, left, right in boxes])]
    for shift in _NEIGHBOURS:
        product = normal * torch.roll(normal, shift, (2, 3))
        columns.append(
            torch.stack(
                [_fit_sides(product[..., top:bottom, left:right]) for top, bottom, left, right in boxes]
            )
        )
    depth = contrast.log1p()
    regions = [depth[..., top:bottom, left:right] for top, bottom, left, right in boxes]
    columns.append(torch.stack([torch.stack([region.mean(), region.std()]) for region in regions]))
    return columns


def _fit(block: torch.Tensor) -> torch.Tensor:
    """Shape and variance of the fit, (2,)."""
    shape, left, right = (part.reshape(()) for part in aggd.fit(block, return_sigma=True))
    return torch.stack([shape, (left**2 + right**2) / 2])


def _fit_sides(block: torch.Tensor) -> torch.Tensor:
    """Shape, asymmetry, and the deviations of both sides, (4,)."""
    shape, left, right = (part.reshape(()) for part in aggd.fit(block, return_sigma=True))
    return torch.stack([shape, right - left, left, right])


def _boxes(height: int, width: int) -> list[tuple[int, int, int, int]]:
    """Top, bottom, left and right of the whole and of each cell."""
    rows, columns = ([round(side * cut / GRID) for cut in range(GRID + 1)] for side in (height, width))
    cells = [(rows[i], rows[i + 1], columns[j], columns[j + 1]) for i in range(GRID) for j in range(GRID)]
    return [(0, height, 0, width), *cells]


def _cells(values: torch.Tensor) -> torch.Tensor:
    """Means of (1, C, h, w) over the whole and over each cell, (TOKENS, C)."""
    cells = adaptive_avg_pool2d(values, GRID)[0].flatten(1).T
    return torch.cat([cells.mean(0, keepdim=True), cells])


def _blur(image: torch.Tensor) -> torch.Tensor:
    """Gaussian window of 7 x 7 with sigma 7/6, the one of MSCN coefficients."""
    taps = torch.arange(-3, 4, device=image.device, dtype=image.dtype)
    taps = torch.exp(-(taps**2) / (2 * (7 / 6) ** 2))
    taps = taps / taps.sum()
    wide = pad(image, (3, 3, 3, 3), mode="replicate")
    return conv2d(conv2d(wide, taps.view(1, 1, 1, 7)), taps.view(1, 1, 7, 1))
