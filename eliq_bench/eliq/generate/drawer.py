"""A loaded pipeline that draws the images of jobs."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from eliq_bench.eliq.generate.jobs import Job
from eliq_bench.eliq.generate.locate import Pipeline
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import EliqBenchError, InputError, first_line
from eliq_bench.io.images import decode
from eliq_bench.io.optional import import_diffusers, silence_loggers

MULTIPLE = 16
"""Widths and heights that every pipeline can draw are multiples of this: autoencoders halve up to three times, and
transformers take patches of two."""
LATE = 0.8
"""Fraction of the steps after which latents are perturbed: shapes are settled, and few steps are left to repair them;
our choice."""


class Drawer:
    """One loaded pipeline; close it before the next is loaded."""

    def __init__(self, pipeline: Pipeline, device: str, dtype: str, offload: bool = False) -> None:
        """Load the weights.

        Args:
            pipeline: which one.
            device: a torch device.
            dtype: name of a torch dtype.
            offload: keep only the active part on the GPU, for GPUs that cannot hold the whole pipeline.

        Raises:
            InputError: the weights are missing or do not fit the pipeline.
        """
        import torch

        diffusers = import_diffusers()
        self.pipeline = pipeline
        try:
            with silence_loggers():
                pipe = diffusers.DiffusionPipeline.from_pretrained(
                    pipeline.folder, torch_dtype=getattr(torch, dtype)
                )
        except (OSError, ValueError, RuntimeError) as error:
            first = first_line(error)
            raise InputError(f"The pipeline {pipeline.name} cannot be loaded: {first}") from error
        if offload and device != "cpu":
            pipe.enable_model_cpu_offload(device=device)
        else:
            pipe.to(device)
        pipe.set_progress_bar_config(disable=True)
        self.pipe: Any = pipe

    def draw(self, job: Job, root: Path) -> Image.Image | None:
        """The image of a job, (W, H) of its positive if it is a negative; None if a safety checker refuses it.

        Args:
            job: the recipe; the noise comes from its seed and is drawn on the CPU, so that every device starts
                from the same.
            root: folder that names of positives are relative to.

        Raises:
            EliqBenchError: the pipeline failed, for instance out of memory.
        """
        import torch

        positive = Image.fromarray(decode(root / job.negative_of)) if job.negative_of else None
        arguments = self._arguments(job, positive)
        generator = torch.Generator("cpu").manual_seed(job.seed)
        try:
            with silence_loggers(), torch.inference_mode():
                output = self.pipe(generator=generator, **arguments)
        except (RuntimeError, ValueError) as error:
            first = first_line(error)
            raise EliqBenchError(
                f"{self.pipeline.name} failed on {job.drawn_from!r}: {first}; what is drawn is kept."
            ) from error
        if any(getattr(output, "nsfw_content_detected", None) or ()):
            return None
        image: Image.Image = output.images[0].convert("RGB")
        if positive is not None and image.size != positive.size:
            image = image.resize(positive.size, Image.Resampling.BICUBIC)
        return image

    def close(self) -> None:
        """Free the memory."""
        import torch

        del self.pipe
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _arguments(self, job: Job, positive: Image.Image | None) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "prompt": job.drawn_from,
            "num_inference_steps": job.steps,
            **dict(self.pipeline.extra),
        }
        if job.guidance is not None:
            arguments[self.pipeline.guidance_argument] = job.guidance
        if job.edits:
            arguments["image"] = positive
        if job.latent_noise:
            arguments["callback_on_step_end"] = _perturbing(job)
        size = job.size
        if positive is not None and job.scale < 1:
            size = (_multiple(positive.width * job.scale), _multiple(positive.height * job.scale))
        if size is not None:
            arguments["width"], arguments["height"] = size
        refused = sorted(arguments.keys() - self.pipeline.accepts)
        if refused:
            raise InputError(
                f"The pipeline {self.pipeline.name} takes no {' and no '.join(refused)}, which "
                f"{job.mode or 'the command'} needs; leave it out or choose another pipeline."
            )
        return arguments


def _perturbing(job: Job) -> Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]:
    """Callback for each step; after a late one it adds noise seeded by the job."""
    import torch

    late = max(1, round(LATE * job.steps)) - 1
    generator = torch.Generator("cpu").manual_seed(seeded_number(job.seed, "latents"))

    def perturb(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if step == late:
            latents = tensors["latents"]
            noise = torch.randn(latents.shape, generator=generator).to(latents)
            tensors["latents"] = latents + job.latent_noise * latents.std() * noise
        return tensors

    return perturb


def _multiple(length: float) -> int:
    return max(1, round(length / MULTIPLE)) * MULTIPLE
