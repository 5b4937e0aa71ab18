"""What a pipeline is told for a single image, and what its answers become."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from eliq_bench.eliq.generate.drawer import Drawer
from eliq_bench.eliq.generate.jobs import Job
from eliq_bench.eliq.generate.locate import Pipeline, locate
from eliq_bench.eliq.generate.run import draw_jobs
from eliq_bench.errors import InputError
from eliq_bench.io.optional import silence_loggers

STEPS = 5


@pytest.fixture(scope="module")
def found(text_to_image: Path) -> Pipeline:
    return locate(str(text_to_image))


@pytest.fixture
def drawer(found: Pipeline) -> Iterator[Drawer]:
    drawer = Drawer(found, "cpu", "float32")
    yield drawer
    drawer.close()


def job(found: Pipeline, **other: Any) -> Job:
    recipe = Job("a cat", "a cat", found.name, found.revision, 7, STEPS, 7.5, None, "float32")
    return recipe._replace(**other)


def pixels(drawer: Drawer, wanted: Job) -> np.ndarray:
    image = drawer.draw(wanted, Path())
    assert image is not None
    return np.asarray(image).astype(float)


def test_perturbed_latents_move_the_image_further_the_more_noise_they_get(
    drawer: Drawer, found: Pipeline
) -> None:
    whole = pixels(drawer, job(found))
    moved = [pixels(drawer, job(found, latent_noise=share)) for share in (0.2, 0.55, 1.2)]
    far = [float(np.abs(image - whole).mean()) for image in moved]
    assert 0 < far[0] < far[1] < far[2]
    assert np.array_equal(moved[0], pixels(drawer, job(found, latent_noise=0.2)))
    assert np.array_equal(whole, pixels(drawer, job(found)))


def test_noise_of_the_wanted_size_is_added_once_after_a_late_step(drawer: Drawer, found: Pipeline) -> None:
    seen: list[tuple[int, torch.Tensor, torch.Tensor]] = []
    told = drawer._arguments(job(found, latent_noise=0.5), None)
    perturb = told["callback_on_step_end"]

    def watched(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        before = tensors["latents"].clone()
        after: dict[str, Any] = perturb(pipe, step, timestep, tensors)
        seen.append((step, before, after["latents"]))
        return after

    with silence_loggers(), torch.inference_mode():
        drawer.pipe(
            generator=torch.Generator("cpu").manual_seed(7), **{**told, "callback_on_step_end": watched}
        )
    changed = [step for step, before, after in seen if not torch.equal(before, after)]
    assert changed == [3]  # the fourth of five
    _, before, after = seen[3]
    assert float((after - before).std() / before.std()) == pytest.approx(0.5, rel=0.05)


def test_a_pipeline_without_steps_to_watch_is_named(drawer: Drawer, found: Pipeline) -> None:
    drawer.pipeline = found._replace(accepts=found.accepts - {"callback_on_step_end"})
    with pytest.raises(InputError, match="callback_on_step_end"):
        drawer.draw(job(found, mode="perturbed_latents", latent_noise=0.2), Path())


@pytest.fixture(scope="module")
def prudish(text_to_image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny pipeline with a safety checker that finds the one concept it knows in every image."""
    from diffusers import StableDiffusionPipeline
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    folder = tmp_path_factory.mktemp("pipelines") / "prudish"
    with silence_loggers():
        small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
        config = CLIPConfig(
            vision_config={**small, "image_size": 32, "patch_size": 16, "projection_dim": 8},
            projection_dim=8,
        )
        checker = StableDiffusionSafetyChecker(config)
        torch.nn.init.constant_(checker.concept_embeds, 0.1)
        torch.nn.init.constant_(checker.concept_embeds_weights, -1.0)  # found where the cosine is above -1
        pipe = StableDiffusionPipeline.from_pretrained(
            text_to_image,
            safety_checker=checker,
            feature_extractor=CLIPImageProcessor(size=32, crop_size=32),
        )
        pipe.save_pretrained(folder)
    return folder


def test_an_image_that_the_safety_checker_flags_is_not_kept(prudish: Path, tmp_path: Path) -> None:
    found = locate(str(prudish))
    positive = job(found)
    negative = job(found, negative_of=positive.name, mode="few_steps", severity=3, steps=1)
    drawn = draw_jobs([positive, negative], [found], tmp_path, ["cpu"])
    assert (drawn.drawn, drawn.refused) == (0, 2)
    assert not list((tmp_path / "images").iterdir())


def test_an_image_that_it_passes_is_kept(prudish: Path, tmp_path: Path) -> None:
    found = locate(str(prudish))
    drawer = Drawer(found, "cpu", "float32")
    torch.nn.init.constant_(drawer.pipe.safety_checker.concept_embeds_weights, 2.0)
    image = drawer.draw(job(found), tmp_path)
    drawer.close()
    assert isinstance(image, Image.Image)
