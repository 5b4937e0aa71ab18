"""From the sides of comparisons to the input of the network."""

from collections.abc import Sequence

from eliq_bench.eliq.critic.backbone import Backbone, Dimension, Tokens
from eliq_bench.eliq.training.cache import TokenCache, key_of
from eliq_bench.eliq.training.comparisons import Side


class TokenSource:
    """Sides to the input of the network."""

    def __init__(self, backbone: Backbone, cache: TokenCache) -> None:
        self.backbone, self.cache = backbone, cache

    def __call__(self, sides: Sequence[Side], dimension: Dimension) -> Tokens:
        """Tokens of sides, (B, V, ...).

        Raises:
            KeyError: the cache lacks one.
        """
        reads = self.backbone.reads_prompt
        encoded = [self.cache.get(key_of(side.pixels, side.prompt, reads)) for side in sides]
        return self.backbone.tokens(encoded, [side.prompt for side in sides], dimension)
