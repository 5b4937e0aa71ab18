"""`build.json` beside a manifest: what the build was asked for, where its images are, and what it left out."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eliq_bench.eliq.degrade import ALIGNMENT_MODES, MODES
from eliq_bench.eliq.pairs.manifest import AGAIN, Pair, recorded_versions
from eliq_bench.eliq.pairs.positives import Positive, Rejected, count_by_reason
from eliq_bench.eliq.pairs.settings import BuildSettings
from eliq_bench.errors import InputError
from eliq_bench.io.write import write_whole

BUILD_FILE = "build.json"
"""It may differ between machines, unlike the manifest."""
OPTIONS = {
    "images": "--images",
    "severities": "--severities",
    "per_mode": "--per-mode",
    "hold_out_modes": "one mode per cell held out",
    "seed": "--seed",
    "limit": "--limit",
    "safety": "--safety",
}
"""Keys of the recorded request, with the option that sets each."""


class BuildRequest(NamedTuple):
    """What a build is asked for; equal requests for equal images give equal manifests."""

    images: Path
    """A table or a folder, see `sources.find_candidates`."""
    settings: BuildSettings
    limit: int | None = None
    """About how many images to take, spread evenly over the list; None takes all."""
    safety: str | None = None
    """Model that flags unsafe images, see `screen.SafetyModel`."""

    def recorded(self) -> dict[str, Any]:
        """The request as `build.json` holds it."""
        images = str(self.images.resolve())
        return {**self.settings._asdict(), "images": images, "limit": self.limit, "safety": self.safety}


class BuildInfo(NamedTuple):
    """What `build.json` says."""

    root: Path
    """Folder that the paths of the manifest are relative to."""
    pairs: int
    positives: int
    rejected: Sequence[Rejected]
    notes: Sequence[str]
    request: BuildRequest
    held_out_modes: frozenset[str]
    seconds: float


def write_build_info(info: BuildInfo, folder: Path) -> None:
    """Write `build.json` into the folder of the manifest.

    Raises:
        EliqBenchError: the disk is full or the file cannot be written.
    """
    content = {
        "images": str(info.root.resolve()),
        "pairs": info.pairs,
        "positives": info.positives,
        "rejected": count_by_reason(info.rejected),
        "rejected_images": [image._asdict() for image in info.rejected],
        "notes": info.notes,
        "settings": info.request.recorded(),
        "held_out_modes": sorted(info.held_out_modes),
        "seconds": round(info.seconds, 1),
    }
    text = json.dumps(content, indent=1) + "\n"
    write_whole(folder / BUILD_FILE, lambda target: target.write_text(text, encoding="utf-8"), AGAIN)


def check_existing_build(manifest: Path, request: BuildRequest, interrupted: bool) -> None:
    """Refuse to replace a manifest that another request made.

    Args:
        manifest: file that the build will write; what an older version did not record beside it is not compared.
        request: what this build is asked for.
        interrupted: whether parts of an interrupted build are there; it may have been killed before it wrote
            `build.json`.

    Raises:
        InputError: the manifest exists, and its request differs or is not recorded.
    """
    if not manifest.exists():
        return
    recorded = _recorded_request(manifest.with_name(BUILD_FILE))
    if recorded is None:
        if interrupted:
            return
        raise InputError(
            f"{manifest} has no {BUILD_FILE} beside it that records how it was made; choose another --out, or "
            "replace it with --overwrite."
        )
    requested: dict[str, Any] = json.loads(json.dumps(request.recorded()))
    differences = [
        f"{option} {_in_words(recorded[key])} there, {_in_words(requested[key])} here"
        for key, option in OPTIONS.items()
        if key in recorded and recorded[key] != requested[key]
    ]
    if differences:
        raise InputError(
            f"{manifest} was made with other settings ({'; '.join(differences)}); choose another --out, or replace "
            "it with --overwrite."
        )


def image_folder(manifest: Path) -> Path:
    """The folder of the images that the build of this manifest recorded.

    Raises:
        InputError: it is no manifest, or the folder is not recorded, or not here.
    """
    recorded_versions(manifest)  # a file that is no manifest is reported as such first
    path = manifest.with_name(BUILD_FILE)
    try:
        root = Path(json.loads(path.read_text(encoding="utf-8"))["images"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} does not record where the images are; name their folder with --images.") from error
    if not root.is_dir():
        raise InputError(f"The images were in {root}, which is not here; name their folder with --images.")
    return root


def _recorded_request(path: Path) -> dict[str, Any] | None:
    """What the build was asked for; None if that cannot be read."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _in_words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


IMAGE_MODES = frozenset(name for name in ALIGNMENT_MODES if name.startswith("image_"))
"""Modes of alignment that show another image, drawn by a generator that is known."""


def missing_modes_notes(
    present: Collection[str],
    held_out: Collection[str],
    positives: Sequence[Positive],
    existing: Sequence[Pair],
) -> tuple[str, ...]:
    """Which pairs are missing, why, and how to get them.

    Args:
        present: modes that have a pair.
        held_out: modes that are kept from training.
        positives: all of the build.
        existing: pairs whose negative is an image that exists, whether they were kept or not.
    """
    return (*_left_out(held_out, existing), *_absent(set(present), set(held_out), positives))


def _left_out(held_out: Collection[str], existing: Sequence[Pair]) -> Iterator[str]:
    lost = Counter(pair.mode for pair in existing if pair.mode in held_out and pair.split == "train")
    for mode, count in sorted(lost.items()):
        yield (
            f"{count:,} drawn negatives of {mode} were left out: the mode is kept from training, and their "
            "positives are on that side of the split; --all-modes keeps them."
        )


def _absent(present: set[str], held_out: set[str], positives: Sequence[Positive]) -> Iterator[str]:
    """One sentence per reason, the most important reason first; each mode is named once."""
    missing = [name for name in (*MODES, *ALIGNMENT_MODES) if name not in present]
    prompted = [positive for positive in positives if positive.prompt]
    if not prompted:
        yield (
            "No image has a prompt, so there is no pair with another caption or another image; give a table or an "
            "index.csv with a column prompt."
        )
        missing = [name for name in missing if name in MODES]
    elif not any(positive.generator for positive in prompted):
        unnamed = [name for name in missing if name in IMAGE_MODES]
        yield f"No pair of {', '.join(unnamed)}: no image with a prompt names its generator."
        missing = [name for name in missing if name not in IMAGE_MODES]
    kept_back = [name for name in missing if name in held_out]
    if kept_back:
        aside = sum(positive.split == "held-out" for positive in positives)
        why = f"none of the {aside:,} held-out images gives one" if aside else "no image is held out"
        yield (
            f"No pair of {', '.join(kept_back)}: these modes are kept from training, and {why}; "
            "--all-modes tries all images."
        )
    for modes, why in (
        (MODES, "they change none of the images"),
        (ALIGNMENT_MODES, "the prompts allow none"),
    ):
        rest = [name for name in missing if name in modes and name not in held_out]
        if rest:
            yield f"No pair of {', '.join(rest)}: {why}."
