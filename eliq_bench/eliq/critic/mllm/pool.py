"""Where image tokens lie in their image, and fewer of them by averaging neighbours."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch


class Grid(NamedTuple):
    """The tokens of an image in their order: tile after tile, in each tile row after row."""

    tiles: int
    rows: int
    columns: int


def grid_of(inputs: Any, image: int, count: int, processor: Any) -> Grid:
    """How the `count` tokens of an image lie, from what its processor tells.

    Qwen tells rows and columns; InternVL, SmolVLM and Idefics3 cut an image into square tiles of a known number
    of tokens. For others the tokens are taken as one row.

    Args:
        inputs: what the processor made of the batch.
        image: number of the image in the batch.
        count: its tokens.
        processor: that made it.
    """
    if "image_grid_thw" in inputs:
        merge = processor.image_processor.merge_size
        _, rows, columns = (int(side) for side in inputs["image_grid_thw"][image])
        return Grid(1, rows // merge, columns // merge)
    per_tile = getattr(processor, "image_seq_length", None) or getattr(processor, "image_seq_len", None)
    if per_tile and count % per_tile == 0 and math.isqrt(per_tile) ** 2 == per_tile:
        side = math.isqrt(per_tile)
        return Grid(count // per_tile, side, side)
    return Grid(1, 1, count)


def smaller(grid: Grid, limit: int) -> Grid:
    """A grid of like shape with at most `limit` tokens, but at least one per tile.

    >>> smaller(Grid(1, 20, 12), 64)
    Grid(tiles=1, rows=10, columns=6)
    """
    budget = max(1, limit // grid.tiles)
    shrink = math.sqrt(budget / (grid.rows * grid.columns))
    rows = max(1, min(grid.rows, budget, math.floor(grid.rows * shrink)))
    return Grid(grid.tiles, rows, min(grid.columns, budget // rows))


def pool(tokens: "torch.Tensor", grid: Grid, limit: int | None) -> "torch.Tensor":
    """Tokens (V, D) averaged over neighbours to (N, D), N at most `limit`; as they are if they are few."""
    from torch.nn.functional import adaptive_avg_pool2d

    if limit is None or len(tokens) <= limit:
        return tokens
    few = smaller(grid, limit)
    maps = tokens.view(*grid, -1).permute(0, 3, 1, 2)  # (tiles, D, rows, columns)
    return adaptive_avg_pool2d(maps, (few.rows, few.columns)).flatten(2).transpose(1, 2).flatten(0, 1)
