"""Train the projection of the lite backbone on captioned images; no score and no label is read."""

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch.nn.functional import cross_entropy

from eliq_bench.eliq.critic.lite.projection import BANK, LONGEST, LiteSemantics, Projection, class_names
from eliq_bench.eliq.critic.lite.text import LiteText
from eliq_bench.eliq.critic.lite.vision import LiteVision
from eliq_bench.eliq.critic.recipe import RecipeSection, checked, read_fields
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.write import check_target, check_writable, write_whole
from eliq_bench.types import Progress


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
    """Read images and prompts from a CSV table with the columns `image` and `prompt`, a row per prompt.

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
    progress: Progress | None = None,
) -> Captions:
    """Read a table and compute the features of its images.

    Args:
        path: the table.
        semantics: computes the features.
        share: of prompts whose images are held out; 1 holds out all.
        folder: caches the features.
        progress: stage named like the table, counted in images.

    Raises:
        InputError: the table cannot be used, see `read_table`.
        EliqBenchError: an image cannot be read.
    """
    rows = read_table(path)
    features = _features(rows, semantics, folder, lambda done: progress and progress(path.stem, done, len(rows)))
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
    rows: Sequence[Captioned], semantics: LiteSemantics, folder: Path, on_image: Callable[[int], object]
) -> torch.Tensor:
    sizes = [_size(row.image) for row in rows]
    about = "\n".join([str(LONGEST), str(semantics.vision.dtype), *sizes])
    kept = folder / f"{hashlib.sha256(about.encode()).hexdigest()[:16]}.npy"
    if (stored := _stored(kept, len(rows))) is not None:
        return stored
    features = []
    for done, row in enumerate(rows, start=1):
        try:
            features.append(semantics.features(decode(row.image))[0].half())
        except DecodeError as error:
            raise EliqBenchError(f"{row.image} cannot be read: {error}.") from error
        on_image(done)
    write_whole(kept, lambda target: _save(target, torch.stack(features).numpy()), "choose another --features")
    return torch.stack(features).float()


def _save(path: Path, array: "np.ndarray") -> None:
    with path.open("wb") as file:  # to a path, numpy would add a suffix
        np.save(file, array)


def _stored(kept: Path, images: int) -> torch.Tensor | None:
    """What an earlier call kept; None if there is nothing, or a damaged file, whose features are computed anew."""
    try:
        with kept.open("rb") as file:
            features = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError):
        return None
    fits = features.dtype == np.float16 and features.ndim == 2 and len(features) == images
    return torch.from_numpy(features).float() if fits else None


def _size(image: Path) -> str:
    """Name and bytes of a file: enough to notice another image."""
    try:
        return f"{image.name}\t{image.stat().st_size}"
    except OSError as error:
        raise EliqBenchError(f"{image} of a table of captions is not there: {error.strerror}.") from error


CANDIDATES = 1000
"""Images that retrieval ranks, as is usual for captions."""


class ProjectionRecipe(RecipeSection):
    """Every choice of a run."""

    data: str = ""
    """Content and licence of the tables; stored in the file of weights."""
    seed: int = 0
    held_out: float = Field(0.12, gt=0, lt=1)
    """Share of the prompts whose images are kept from training."""
    hidden: int = Field(512, ge=1, le=65_536)
    dropout: float = Field(0.3, ge=0, lt=1)
    epochs: int = Field(25, ge=1, le=10_000)
    batch: int = Field(500, ge=2, le=65_536)
    rate: float = Field(1e-3, gt=0)
    """Highest learning rate of a one-cycle schedule."""
    decay: float = Field(0.05, ge=0)
    sharpness: float = Field(14.0, gt=0)
    """Inverse temperature at the start; it is learnt."""
    dtype: str = "bfloat16"
    """Of the image network while features are computed."""


class Retrieval(NamedTuple):
    """How well the match retrieves the prompt of an image."""

    first: float
    """Share of images whose own prompt beats all others."""
    tenth: float
    """Share of images whose own prompt is among the best ten."""
    own: float
    """Share of other prompts that the own prompt of an image beats; chance is 0.5."""
    across: float
    """Share of foreign pairs, of any image and prompt, that an own pair beats; chance is 0.5."""


def read_projection_recipe(path: Path) -> ProjectionRecipe:
    """Read a recipe file of `train-projection`.

    Raises:
        InputError: no such file, no YAML, or a field is unknown or out of its range.
    """
    return checked(ProjectionRecipe, read_fields(path, "train-projection"), str(path))


def train_projection(
    captions: Sequence[Captions],
    recipe: ProjectionRecipe,
    text: LiteText,
    progress: Progress | None = None,
) -> Projection:
    """Fit a projection to the training parts of tables: symmetric InfoNCE (van den Oord et al., arXiv:1807.03748).

    Raises:
        InputError: the training parts have fewer images than the bank takes.
    """
    torch.manual_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    parts = [table.part(held_out=False) for table in captions]
    features = torch.cat([part.features for part in parts])
    vectors, places = _sentences([own for part in parts for own in part.prompts], text)
    names = text.sentences(class_names()).cpu()
    projection = Projection(recipe.hidden, recipe.dropout)
    projection.fit_scale(features, names, vectors)
    sharpness = torch.nn.Parameter(torch.tensor(recipe.sharpness).log())
    batch = min(recipe.batch, len(features))
    rounds = len(features) // batch
    optimiser = torch.optim.AdamW([*projection.parameters(), sharpness], recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=recipe.epochs * rounds + 1, pct_start=0.1
    )
    first = torch.tensor([min(own) for own in places])
    for epoch in range(1, recipe.epochs + 1):
        order = random.permutation(len(features))
        for rows in np.split(order[: rounds * batch], rounds):
            sentences = _blend([places[row] for row in rows], vectors, random)
            images, texts = projection.image_sides(features[rows])[0], projection.text_sides(sentences)[0]
            loss = _contrast(sharpness.exp().clamp(max=100) * images @ texts.T, first[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        if progress:
            progress("training", epoch, recipe.epochs)
    projection.eval().requires_grad_(False)
    projection.fit_bank(_bank(parts, random), names[random.permutation(len(names))[:BANK]])
    return projection


def make_projection(
    recipe: ProjectionRecipe,
    tables: Sequence[Path],
    checks: Sequence[Path],
    features: Path,
    out: Path,
    progress: Progress | None = None,
) -> dict[str, Retrieval]:
    """Read tables, train, evaluate, and write the weights.

    Args:
        recipe: all choices.
        tables: of captions; a part of each is held out.
        checks: tables of which all is held out.
        features: folder that caches features of images.
        out: file of weights.
        progress: a stage per table and stage `training`.

    Returns:
        Retrieval on the held-out images, by table; also stored in the file.

    Raises:
        InputError: a table cannot be used.
        EliqBenchError: an image cannot be read.
    """
    check_target(out)
    check_writable(features)
    text = LiteText()
    semantics = LiteSemantics(LiteVision(dtype=getattr(torch, recipe.dtype)), text)
    captions = [load_captions(table, semantics, recipe.held_out, features, progress) for table in tables]
    whole = [load_captions(table, semantics, 1.0, features, progress) for table in checks]
    projection = train_projection(captions, recipe, text, progress)
    parts = [*(table.part(held_out=True) for table in captions), *whole]
    reached = {part.name: retrieval(projection, part, text) for part in parts}
    metadata = {
        "recipe": recipe.model_dump_json(),
        "tables": json.dumps({table.name: len(table.prompts) for table in captions}),
        "held_out": json.dumps({name: result._asdict() for name, result in reached.items()}),
        "human_labels": "none",
    }
    write_whole(out, lambda path: projection.save(path, metadata), "choose another --out")
    return reached


@torch.no_grad()
def retrieval(projection: Projection, captions: Captions, text: LiteText) -> Retrieval:
    """Retrieval among the first `CANDIDATES` images, each under its first prompt."""
    own = [prompts[0] for prompts in captions.prompts[:CANDIDATES]]
    known = sorted(set(own))
    column = np.array([known.index(prompt) for prompt in own])
    images = projection.image(captions.features[:CANDIDATES])
    prompts = projection.text(text.sentences(known).cpu())
    values = projection.table(images, prompts).double().numpy()
    rows = np.arange(len(own))
    mine = values[rows, column]
    foreign = np.ones(values.shape, np.bool_)
    foreign[rows, column] = False
    better = (values >= mine[:, None]).sum(1) - 1  # a tie counts against the own prompt
    others = np.sort(values[foreign])
    return Retrieval(
        first=float((better < 1).mean()),
        tenth=float((better < 10).mean()),
        own=float(1 - (better / max(1, len(known) - 1)).mean()),
        across=float(np.searchsorted(others, mine).mean() / max(1, len(others))),
    )


def _blend(places: Sequence[Sequence[int]], vectors: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """For each image a point between two of its captions, drawn anew each time, (B, 384)."""
    one, other = (torch.tensor([own[int(random.integers(len(own)))] for own in places]) for _ in range(2))
    share = torch.from_numpy(random.random((len(places), 1), dtype=np.float32))
    return share * vectors[one] + (1 - share) * vectors[other]


def _contrast(logits: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """InfoNCE both ways over (B, B) logits; images of the same prompt (B,) are no negatives of each other."""
    batch = len(first)
    alike = (first[:, None] == first[None]) & ~torch.eye(batch, dtype=torch.bool)
    logits = logits.masked_fill(alike, -1e4)
    target = torch.arange(batch)
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


def _bank(parts: Sequence[Captions], random: np.random.Generator) -> torch.Tensor:
    """Features of BANK images, the same number of each table as far as it goes, (BANK, FEATURES)."""
    orders = [part.features[random.permutation(len(part.features))] for part in parts]
    turns = [order[at] for at in range(BANK) for order in orders if at < len(order)]
    if len(turns) < BANK:
        raise InputError(f"The tables have {len(turns)} images to train on; the bank needs {BANK}, add some.")
    return torch.stack(turns[:BANK])


def _sentences(prompts: Sequence[tuple[str, ...]], text: LiteText) -> tuple[torch.Tensor, list[list[int]]]:
    """Vectors of all prompts once, and for each image the rows of its own."""
    known = sorted({prompt for own in prompts for prompt in own})
    row = {prompt: position for position, prompt in enumerate(known)}
    vectors = torch.cat([text.sentences(known[start : start + 500]) for start in range(0, len(known), 500)])
    return vectors.cpu(), [[row[prompt] for prompt in own] for own in prompts]
