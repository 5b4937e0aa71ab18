"""The trainable part of the critic: gated fusion, the Quality Query Transformer, a head per dimension.

The paper names gated fusion and the Quality Query Transformer; their formulas, sizes and losses are not known to
us and are our choice (docs/method.md). B images, V tokens, Q queries, D width.
"""

import torch
from torch import nn

from eliq_bench.eliq.critic.backbone import DIMENSIONS, Dimension, Tokens
from eliq_bench.eliq.critic.recipe import NetworkRecipe


class Standardise(nn.Module):
    """Shift and scale each channel by constants that `fit` takes from unlabelled tokens."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))
        self.mean: torch.Tensor
        self.std: torch.Tensor

    def fit(self, tokens: torch.Tensor) -> None:
        """Take the constants from tokens (N, channels); entries of 0 mean "no value" and are left out."""
        present = tokens != 0
        count = present.sum(0).clamp(min=1)
        self.mean.copy_(tokens.sum(0) / count)
        self.std.copy_((((tokens - self.mean) ** 2 * present).sum(0) / count).sqrt().clamp(min=1e-4))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Standardised tokens, clipped at 8 standard deviations, same shape."""
        return ((tokens - self.mean) / self.std).clamp(-8, 8)


class Fusion(nn.Module):
    """Token-wise gated fusion: z = g * v + (1 - g) * s with g = sigmoid(W [v; s]), all (B, V, D)."""

    def __init__(self, visual: int, semantic: int, recipe: NetworkRecipe) -> None:
        super().__init__()
        self.kind = recipe.fusion
        self.visual_scale, self.semantic_scale = Standardise(visual), Standardise(semantic)
        self.visual, self.semantic = (_project(channels, recipe) for channels in (visual, semantic))
        self.gate = nn.Linear(2 * recipe.width, recipe.width)

    def forward(self, tokens: Tokens) -> torch.Tensor:
        """Fused tokens (B, V, D)."""
        visual = self.visual(self.visual_scale(tokens.visual))
        semantic = self.semantic(self.semantic_scale(tokens.semantic))
        if self.kind == "visual":
            return visual
        if self.kind == "semantic":
            return semantic
        both = self.gate(torch.cat([visual, semantic], dim=-1))
        if self.kind == "concat":
            return both
        gate = both.sigmoid()
        return gate * visual + (1 - gate) * semantic


class QueryLayer(nn.Module):
    """Self-attention among the queries, cross-attention to the fused tokens, a feed-forward block; pre-norm."""

    def __init__(self, recipe: NetworkRecipe) -> None:
        super().__init__()
        width, heads, dropout = recipe.width, recipe.heads, recipe.dropout
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.among = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.across = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )

    def forward(self, queries: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Queries (B, Q, D) that have read tokens (B, V, D) where mask (B, V) is True."""
        own = self.norms[0](queries)
        queries = queries + self.among(own, own, own, need_weights=False)[0]
        seen = self.norms[1](tokens)
        read, _ = self.across(self.norms[2](queries), seen, seen, key_padding_mask=~mask, need_weights=False)
        queries = queries + read
        return queries + self.feed(self.norms[3](queries))


class CriticNetwork(nn.Module):
    """Fusion, then for each dimension its own queries, readout and linear head."""

    def __init__(
        self,
        visual_width: int,
        semantic_width: int,
        recipe: NetworkRecipe,
        dimensions: tuple[Dimension, ...] = DIMENSIONS,
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.dimensions = dimensions
        self.fusion = Fusion(visual_width, semantic_width, recipe)
        self.queries = nn.ParameterDict(
            {name: nn.Parameter(0.5 * torch.randn(recipe.queries, recipe.width)) for name in dimensions}
        )
        self.layers = nn.ModuleList(QueryLayer(recipe) for _ in range(recipe.depth))
        self.norm = nn.LayerNorm(recipe.width)
        self.heads = nn.ModuleDict({name: nn.Linear(recipe.width, 1) for name in dimensions})
        self.prior_weight = nn.ParameterDict({name: nn.Parameter(torch.ones(())) for name in dimensions})

    def features(self, tokens: Tokens, dimension: Dimension) -> torch.Tensor:
        """Input of the head of a dimension, (B, D)."""
        fused = self.fusion(tokens)
        if self.recipe.readout == "mean":
            weight = tokens.mask.unsqueeze(-1).float()
            return self.norm((fused * weight).sum(1) / weight.sum(1))
        queries = self.queries[dimension].expand(len(fused), -1, -1)
        for layer in self.layers:
            queries = layer(queries, fused, tokens.mask)
        return self.norm(queries).mean(1)

    def forward(self, tokens: Tokens, dimension: Dimension) -> torch.Tensor:
        """Raw score of each image on a dimension, (B,), higher is better; calibration comes later.

        If the backbone has a prior, its product with a learnt weight is added to the output of the head.
        """
        score: torch.Tensor = self.heads[dimension](self.features(tokens, dimension)).squeeze(-1)
        return score if tokens.prior is None else score + self.prior_weight[dimension] * tokens.prior


def _project(channels: int, recipe: NetworkRecipe) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(channels, recipe.width),
        nn.GELU(),
        nn.Dropout(recipe.dropout),
        nn.Linear(recipe.width, recipe.width),
    )
