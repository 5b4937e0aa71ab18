"""Features of the lite backbone: what they are, and that neither batch nor order changes them."""

import numpy as np
import pytest

from eliq_bench.eliq.critic.lite import backbone
from eliq_bench.eliq.critic.lite.regions import SMALLEST_SIDE
from eliq_bench.errors import EliqBenchError
from eliq_bench.models.eliq import LiteFeatures
from eliq_bench.registry import create_model, model_card
from eliq_bench.types import Batch


def test_quality_is_the_mean_of_visual_tokens_in_any_batch() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 128, 3)).astype(np.uint8)
    scorer = create_model("lite-features")
    assert isinstance(scorer, LiteFeatures)
    found = scorer.features(Batch(images, ()))["quality"]
    assert found.shape == (3, scorer.backbone.visual_width)
    tokens = scorer.backbone.encode([images[1]], [""])[0].visual
    np.testing.assert_allclose(found[1], tokens.astype(np.float64).mean(axis=0), rtol=1e-6, atol=1e-6)
    alone = np.concatenate([scorer.features(Batch(image[None], ()))["quality"] for image in images[::-1]])
    np.testing.assert_allclose(alone[::-1], found, rtol=1e-3, atol=1e-3)
    assert np.abs(found[0] - found[1]).max() > 0.01
    with pytest.raises(EliqBenchError, match="use --protocol probe"):
        scorer.score(Batch(images, ()))


def test_the_card_names_what_the_tokens_depend_on() -> None:
    """Kept features are found by the card alone; raise its version with that of the backbone."""
    card = model_card("lite-features")
    assert card.version == backbone.VERSION
    assert {*backbone.PACKAGES, "pillow", "torchvision"} == set(card.packages)
    assert card.min_side == SMALLEST_SIDE
