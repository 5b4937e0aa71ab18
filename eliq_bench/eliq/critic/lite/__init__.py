"""The embedded backbone: an ImageNet network, a sentence encoder, and what joins them."""

from eliq_bench.eliq.critic.lite.backbone import LiteBackbone

__all__ = ["LiteBackbone"]
