"""A filter of positives by a model of the user's that flags unsafe images."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from eliq_bench.errors import InputError, first_line
from eliq_bench.io.hub import fetch_file, path_or_repository
from eliq_bench.runner.decode import decode

UNSAFE = ("unsafe", "nsfw", "porn", "pornography", "hentai", "sexy", "explicit", "nudity", "gore", "violence")
"""Labels of classifiers that mean that an image is not to be shown; our choice."""
AT_LEAST = 0.5
"""Probability of all unsafe labels together from which an image is flagged; our choice."""
BATCH = 8
Report = Callable[[str, int, int], None]


class SafetyModel:
    """An image classifier of transformers, one of whose labels is unsafe."""

    def __init__(self, given: str) -> None:
        """Load it.

        Args:
            given: an id on the Hub, or a folder that `save_pretrained` wrote.

        Raises:
            InputError: it cannot be loaded, or none of its labels is known to be unsafe.
        """
        import transformers

        found = path_or_repository("safety model", given)
        place, revision = (found, None) if isinstance(found, Path) else (found.name, found.revision)
        if not isinstance(found, Path):
            fetch_file(found, "config.json")  # says why the Hub refuses, which transformers does not
        processors: Any = transformers.AutoImageProcessor
        models: Any = transformers.AutoModelForImageClassification
        try:
            self.processor: Any = processors.from_pretrained(place, revision=revision or "main")
            self.model: Any = models.from_pretrained(place, revision=revision or "main").eval()
        except (OSError, ValueError) as error:
            first = first_line(error)
            raise InputError(f"The safety model {given} cannot be loaded: {first}") from error
        labels: dict[int, str] = self.model.config.id2label
        self.unsafe = [number for number, label in labels.items() if label.lower() in UNSAFE]
        if not self.unsafe:
            raise InputError(
                f"None of the labels of the safety model {given} ({', '.join(labels.values())}) means unsafe; "
                f"known are {', '.join(UNSAFE)}."
            )
        self.name = found.resolve().name if isinstance(found, Path) else given

    def flags(self, paths: Sequence[Path], report: Report) -> list[bool]:
        """Whether each of these images is unsafe, in their order."""
        import torch

        found: list[bool] = []
        for at in range(0, len(paths), BATCH):
            images = [Image.fromarray(decode(path)) for path in paths[at : at + BATCH]]
            with torch.inference_mode():
                logits = self.model(**self.processor(images=images, return_tensors="pt")).logits
            found += (logits.softmax(1)[:, self.unsafe].sum(1) >= AT_LEAST).tolist()
            report("looking for unsafe images", len(found), len(paths))
        return found
