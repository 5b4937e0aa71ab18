"""Captioned images for the projection: tables, features of their images, and a split by prompt."""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from eliq_bench.eliq.critic.lite.semantics import LONGEST, LiteSemantics
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.runner.decode import DecodeError, decode


class Captioned(NamedTuple):
    """An image and the prompts that describe it."""

    image: Path
    prompts: tuple[str, ...]


class Captions(NamedTuple):
    """N images with prompts, ready for training."""

    name: str
    """Of the table."""
    features: torch.Tensor
    """(N, FEATURES) of whole images."""
    prompts: list[tuple[str, ...]]
    """N times one or several."""
    held_out: torch.Tensor
    """(N,) bool."""

    def part(self, held_out: bool) -> "Captions":
        """The images on one side of the split."""
        chosen = self.held_out if held_out else ~self.held_out
        rows = torch.nonzero(chosen).flatten().tolist()
        prompts = [self.prompts[row] for row in rows]
        return Captions(self.name, self.features[chosen], prompts, self.held_out[chosen])


def read_table(path: Path) -> list[Captioned]:
    """Images with prompts of a CSV table with the columns `image` and `prompt`, a row per prompt; others are not read.

    Images are relative to the table; rows without a prompt are left out.

    Raises:
        InputError: no such table, a column is missing, or no row has a prompt.
    """
    found: dict[str, list[str]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if not {"image", "prompt"} <= set(rows.fieldnames or ()):
                raise InputError(f"{path} needs the columns image and prompt.")
            for row in rows:
                if row["prompt"] and row["prompt"].strip():
                    found[row["image"]].append(row["prompt"].strip())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table of captions: {error}.") from error
    if not found:
        raise InputError(f"{path} has no image with a prompt; add rows.")
    return [Captioned(path.parent / image, tuple(prompts)) for image, prompts in found.items()]


def load_captions(
    path: Path,
    semantics: LiteSemantics,
    share: float,
    folder: Path,
    report: Callable[[str, int, int], None] | None = None,
) -> Captions:
    """A table with the features of its images.

    Args:
        path: the table.
        semantics: reads the images.
        share: of the prompts, whose images are held out; 1 holds out all.
        folder: keeps the features for the next run.
        report: told about the progress.

    Raises:
        InputError: the table cannot be used, see `read_table`.
        EliqBenchError: an image cannot be read.
    """
    rows = read_table(path)
    features = _features(rows, semantics, folder, lambda done: report and report(path.stem, done, len(rows)))
    held_out = torch.tensor([is_held_out(row.prompts, share) for row in rows])
    return Captions(path.stem, features, [row.prompts for row in rows], held_out)


def is_held_out(prompts: Sequence[str], share: float) -> bool:
    """Whether an image is kept from training: its alphabetically first prompt decides, so one prompt stays together.

    >>> is_held_out(["a dog", "a cat"], 0.5) == is_held_out(["A cat"], 0.5)
    True
    """
    digest = hashlib.sha256(min(prompts).lower().encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32


def _features(
    rows: Sequence[Captioned], semantics: LiteSemantics, folder: Path, told: Callable[[int], object]
) -> torch.Tensor:
    sizes = [_size(row.image) for row in rows]
    about = "\n".join([str(LONGEST), str(semantics.vision.dtype), *sizes])
    kept = folder / f"{hashlib.sha256(about.encode()).hexdigest()[:16]}.npy"
    if kept.exists():
        return torch.from_numpy(np.load(kept)).float()
    features = []
    for done, row in enumerate(rows, start=1):
        try:
            features.append(semantics.features(decode(row.image))[0].half())
        except DecodeError as error:
            raise EliqBenchError(f"{row.image} cannot be read: {error}.") from error
        told(done)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(kept, torch.stack(features).numpy())
    return torch.stack(features).float()


def _size(image: Path) -> str:
    """Name and bytes of a file: enough to notice another image."""
    try:
        return f"{image.name}\t{image.stat().st_size}"
    except OSError as error:
        raise EliqBenchError(f"{image} of a table of captions is not there: {error.strerror}.") from error
