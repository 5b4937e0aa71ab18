"""Every per-image no-reference metric of pyiqa (PolyForm-Noncommercial), imported only when one is built.

Scores equal pyiqa's own for the same pixels. What is added: batches, and an undefined score with a reason where
pyiqa raises or returns a number that its own formula does not define.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eliq_bench.cards import ModelCard
from eliq_bench.eliq.critic.lite import aggd
from eliq_bench.errors import EliqBenchError, first_line
from eliq_bench.models import weights
from eliq_bench.models.weights import machine_threads
from eliq_bench.types import Batch, Scorer, Scores

NATURAL_SCENE_STATISTICS = (
    "niqe",
    "niqe_matlab",
    "ilniqe",
    "piqe",
    "brisque",
    "brisque_matlab",
    "nrqm",
    "pi",
)

NEEDS_GRADIENT = ("compare2score",)
"""Metrics that optimise inside `forward`."""


def create(card: ModelCard, options: dict[str, Any], device: str, dtype: str) -> Scorer:
    """Build a pyiqa metric with the weights that its fingerprint names.

    Raises:
        EliqBenchError: pyiqa is not installed, or cannot build the metric.
    """
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a third party's deprecations say nothing to our user
        try:
            from pyiqa import create_metric
            from pyiqa.utils import download_util
        except ImportError as error:
            raise EliqBenchError(
                f"{card.name} needs pyiqa ({error}): `pip install pyiqa`; mind its non-commercial licence."
            ) from error
        logging.getLogger("pyiqa").setLevel(logging.ERROR)
        import torch

        _fit_quickly(card.name)
        with weights.view(card) as home:
            download_util.DEFAULT_CACHE_DIR = str(home / ".cache/torch/hub/pyiqa")
            try:
                metric = create_metric(card.name, device=torch.device(device), **options)
            except Exception as error:  # a hundred constructors fail in their own ways
                raise EliqBenchError(f"pyiqa cannot build {card.name}: {first_line(error)}.") from error
    net = metric.net.eval()
    if any(parameter.dtype == torch.float16 for parameter in net.parameters()) and dtype == "float32":
        net.float()  # OpenAI's CLIP loader takes half precision on a GPU without being asked
    return PyiqaScorer(card, net, device, dtype)


def _fit_quickly(name: str) -> None:
    """Give pyiqa's natural-scene statistics our AGGD fit, which gives the same bits sooner."""
    if name in ("niqe", "ilniqe", "brisque"):
        from pyiqa.archs import brisque_arch, niqe_arch

        niqe_arch.estimate_aggd_param = brisque_arch.estimate_aggd_param = aggd.fit


class PyiqaScorer:
    """One pyiqa network; images (B, 3, H, W) uint8 in, one score per image out."""

    def __init__(self, card: ModelCard, net: Any, device: str, dtype: str) -> None:
        import torch

        self.card = card
        self.net = net
        self.device = torch.device(device)
        self.threads = machine_threads() if card.thread_dependent else torch.get_num_threads()
        self.autocast = torch.autocast(
            self.device.type, getattr(torch, dtype), enabled=dtype in ("bfloat16", "float16")
        )

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """The pixels, channels first; pyiqa resizes inside the network where a metric wants it."""
        return np.ascontiguousarray(image.transpose(2, 0, 1))

    def score(self, batch: Batch) -> Scores:
        """Scores as pyiqa gives them; NaN with a reason where the metric is not defined."""
        import torch

        (dimension,) = self.card.dimensions
        reasons = [self._undefined(image) for image in batch.images]
        usable = [row for row, reason in enumerate(reasons) if not reason]
        values = np.full(len(reasons), np.nan)
        if usable:
            prompts = [batch.prompts[row] for row in usable] if self.card.needs_prompt else None
            try:
                values[usable] = self._forward(batch.images[usable], prompts)
            except (AssertionError, ArithmeticError, torch.linalg.LinAlgError) as error:  # type: ignore[attr-defined]
                if len(reasons) > 1:
                    raise  # the runner repeats the batch one by one
                reasons[0] = f"pyiqa: {first_line(error)}"
        for row in usable:
            if not np.isfinite(values[row]) and not reasons[row]:
                values[row], reasons[row] = np.nan, f"pyiqa returned {values[row]}"
        return Scores({dimension: values}, tuple(reasons))

    def _undefined(self, image: NDArray[Any]) -> str:
        """Why no score is defined for these pixels, empty if one is."""
        planes = image.reshape(len(image), -1)
        if self.card.name in NATURAL_SCENE_STATISTICS and (planes.min(axis=1) == planes.max(axis=1)).all():
            return "constant image: it has no natural-scene statistics"
        return ""

    def _forward(self, images: NDArray[Any], prompts: list[str] | None) -> NDArray[np.float64]:
        import torch

        pixels = torch.from_numpy(images).to(self.device).float().div(255)
        further = {} if prompts is None else {"caption_list": prompts}
        mode = nullcontext() if self.card.name in NEEDS_GRADIENT else torch.inference_mode()
        with mode, self.autocast, threads(self.threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            output = self.net(pixels, **further)
        if isinstance(output, tuple):
            output = output[0]
        return np.asarray(output.detach().double().cpu().numpy(), dtype=np.float64).reshape(len(images))


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch use this many threads for a while."""
    import torch

    before = torch.get_num_threads()
    if number != before:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if number != before:
            torch.set_num_threads(before)
