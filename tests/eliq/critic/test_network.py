"""The network of the critic: shapes, masks, queries, gates."""

import pytest
import torch

from eliq_bench.eliq.critic.backbone import Tokens
from eliq_bench.eliq.critic.network import CriticNetwork, Fusion, Standardise
from eliq_bench.eliq.critic.recipe import NetworkRecipe

SMALL = NetworkRecipe(width=16, queries=3, depth=2, heads=2, dropout=0.0)


def tokens(batch: int = 4, places: int = 5, seed: int = 0) -> Tokens:
    generator = torch.Generator().manual_seed(seed)
    visual = torch.randn(batch, places, 7, generator=generator)
    semantic = torch.randn(batch, places, 6, generator=generator)
    return Tokens(visual, semantic, torch.ones(batch, places, dtype=torch.bool))


def network(recipe: NetworkRecipe = SMALL) -> CriticNetwork:
    torch.manual_seed(1)
    return CriticNetwork(7, 6, recipe).eval()


@pytest.mark.parametrize("fusion", ["gate", "concat", "visual", "semantic"])
@pytest.mark.parametrize("readout", ["queries", "mean"])
def test_one_score_per_image_and_dimension(fusion: str, readout: str) -> None:
    made = network(SMALL.model_copy(update={"fusion": fusion, "readout": readout}))
    given = tokens()
    quality, alignment = made(given, "quality"), made(given, "alignment")
    assert quality.shape == alignment.shape == (4,)
    if readout == "queries":  # the mean has no part of its own before the head
        assert not torch.allclose(made.features(given, "quality"), made.features(given, "alignment"))


@pytest.mark.parametrize("readout", ["queries", "mean"])
def test_padding_and_the_other_images_of_a_batch_do_not_matter(readout: str) -> None:
    made = network(SMALL.model_copy(update={"readout": readout}))
    given = tokens()
    behind = torch.full((4, 3, 7), 9.0), torch.full((4, 3, 6), -9.0), torch.zeros(4, 3, dtype=torch.bool)
    padded = Tokens(*(torch.cat(parts, dim=1) for parts in zip(given[:3], behind[:3], strict=True)))
    torch.testing.assert_close(made(padded, "quality"), made(given, "quality"))
    alone = Tokens(*(part[2:3] for part in given[:3]))
    torch.testing.assert_close(made(alone, "quality"), made(given, "quality")[2:3])


def test_the_order_of_tokens_does_not_matter() -> None:
    made, given = network(), tokens()
    turned = Tokens(*(part.flip(1) for part in given[:3]))
    torch.testing.assert_close(made(turned, "alignment"), made(given, "alignment"))


def test_the_gate_lies_between_its_two_sources() -> None:
    torch.manual_seed(0)
    fusion = Fusion(7, 6, SMALL).eval()
    given = tokens()
    visual = fusion.visual(fusion.visual_scale(given.visual))
    semantic = fusion.semantic(fusion.semantic_scale(given.semantic))
    fused = fusion(given)
    assert (fused <= torch.maximum(visual, semantic) + 1e-6).all()
    assert (fused >= torch.minimum(visual, semantic) - 1e-6).all()
    with torch.no_grad():
        fusion.gate.weight.zero_()
        fusion.gate.bias.fill_(50.0)
    torch.testing.assert_close(fusion(given), visual)


def test_training_one_dimension_leaves_the_queries_of_the_other() -> None:
    made = network()
    made(tokens(), "quality").sum().backward()
    assert made.queries["quality"].grad is not None
    assert made.queries["alignment"].grad is None


def test_channels_are_standardised_by_what_was_seen() -> None:
    scale = Standardise(2)
    seen = torch.tensor([[1.0, 10.0], [3.0, 10.0]])
    scale.fit(seen)
    shown = scale(seen)
    torch.testing.assert_close(shown[:, 0], torch.tensor([-1.0, 1.0]))
    torch.testing.assert_close(shown[:, 1], torch.zeros(2))
    assert scale(torch.tensor([[1e9, 10.0]])).max() == 8
    holes = Standardise(2)
    holes.fit(torch.cat([seen, torch.zeros(5, 2)]))
    torch.testing.assert_close(holes(seen), scale(seen))


def test_the_head_corrects_the_prior_of_the_backbone() -> None:
    made, given = network(), tokens()
    prior = torch.tensor([0.0, 1.0, -2.0, 3.0])[: len(given.mask)]
    with torch.no_grad():
        made.prior_weight["alignment"].fill_(2.0)
        moved = made(given._replace(prior=prior), "alignment") - made(given, "alignment")
    torch.testing.assert_close(moved, 2 * prior)
