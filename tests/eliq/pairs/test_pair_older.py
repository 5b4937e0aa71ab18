"""Pairs of an older and a newer generator for one prompt."""

from eliq_bench.eliq.pairs.drawn import generation, older_pairs
from eliq_bench.eliq.pairs.positives import Positive

ALL = (1, 2, 3, 4, 5)


def drawn(name: str, generator: str | None, prompt: str = "a red boat", side: int = 512) -> Positive:
    return Positive(name, prompt, generator, "", f"file {name}", f"pixels {name}", "g", "train", side)


def test_the_newer_image_of_a_prompt_is_the_better_one() -> None:
    images = [drawn("a", "Disco Diffusion"), drawn("b", "stable-diffusion"), drawn("c", "SDXL")]
    rows = [one for pairs in older_pairs(images, ALL).values() for one in pairs]
    found = [(one.positive, one.negative_image, one.severity) for one in rows]
    assert sorted(found) == [("b", "a", 3), ("c", "a", 5), ("c", "b", 3)]


def test_spellings_of_a_prompt_meet_and_other_prompts_do_not() -> None:
    images = [drawn("a", "glide"), drawn("b", "dalle-2", "A red boat!"), drawn("c", "dalle-2", "a blue boat")]
    assert list(older_pairs(images, ALL)) == ["b"]


def test_nothing_is_said_of_unknown_generators_other_sizes_and_unwanted_severities() -> None:
    assert generation("my own net") is None
    assert generation(None) is None
    assert older_pairs([drawn("a", "my own net"), drawn("b", "sdxl")], ALL) == {}
    assert older_pairs([drawn("a", "glide", side=256), drawn("b", "sdxl")], ALL) == {}
    assert older_pairs([drawn("a", "glide"), drawn("b", "dalle-2")], (1, 5)) == {}
    assert older_pairs([drawn("a", "sdxl"), drawn("b", "sdxl")], ALL) == {}


def test_a_pair_points_at_the_pixels_of_the_older_image() -> None:
    (pair,) = older_pairs([drawn("a", "glide"), drawn("b", "dalle-2")], ALL)["b"]
    assert (pair.negative_sha256, pair.positive_pixels) == ("pixels a", "pixels b")
    assert (pair.family, pair.mode, pair.simulated) == ("generative", "older_generator", False)
