"""A manifest of pairs as a dataset: `--datasets pairs:MANIFEST`.

It has no labels. What is known is that the positive of each pair is better than its negative on one dimension, since
the degradation was applied here. Virtual negatives stay virtual: the workers compute them when they score them.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from eliq_bench.cards import DatasetCard, LabelCard, LabelFile
from eliq_bench.datasets.load import missing_images_note
from eliq_bench.datasets.own_table import PAIRS
from eliq_bench.eliq.pairs.build_info import image_folder
from eliq_bench.eliq.pairs.manifest import (
    MANIFEST_FILE,
    Pair,
    library_versions,
    manifest_path,
    prompts_note,
    read_pairs,
    recorded_versions,
)
from eliq_bench.errors import InputError, plural
from eliq_bench.io.files import check_file_name, is_file, printable, sha256_of
from eliq_bench.types import Dataset, ImageSource, Items, KnownPair, VirtualImage

DIMENSION_OF = {"technical": "quality", "aesthetic": "quality", "alignment": "alignment"}
"""The dimension that an aspect belongs to."""


def load_pairs(name: str, roots: Sequence[Path], labels_only: bool = False) -> Dataset:
    """The pairs of a manifest with one item per image and prompt.

    Args:
        name: `pairs:` and the path of a manifest or of the folder that holds it.
        roots: folders that the paths in the manifest may be relative to; then comes the one recorded by the build.
        labels_only: True where scores come from elsewhere and no image is needed.

    Raises:
        InputError: no manifest or an empty one, none of its images is found, or a file is not the one that the
            pairs were made from.
    """
    path = manifest_path(Path(name.removeprefix(PAIRS)).expanduser())
    pairs = list(read_pairs(path))
    if not pairs:
        raise InputError(f"{path} holds no pair; build it again from more images.")
    files = {file: "" for pair in pairs for file in (pair.positive, pair.negative_image) if file}
    files |= {pair.positive: pair.positive_sha256 for pair in pairs}
    root = _root(path, files, roots, labels_only)
    present = {file for file in files if is_file(root / file)}
    _check_files(path, root, {file: files[file] for file in present if files[file]})
    rows = _Rows(root, present)
    known = tuple(rows.add(pair) for pair in pairs)
    items = rows.items()
    notes = [missing_images_note(items), _versions_note(path), prompts_note(path)]
    return Dataset(_card(path, items, known), items, tuple(note for note in notes if note), pairs=known)


@dataclass
class _Rows:
    """Items in the order of the pairs, each combination of image and prompt once."""

    root: Path
    present: set[str]
    known: dict[tuple[str | VirtualImage, str | None], int] = field(default_factory=dict)
    name: list[str] = field(default_factory=list)
    image: list[ImageSource | None] = field(default_factory=list)
    generator: list[str | None] = field(default_factory=list)
    group: list[str] = field(default_factory=list)

    def add(self, pair: Pair) -> KnownPair:
        label = f"{pair.positive}#{pair.mode}-{pair.severity}-{pair.pair_id[:8]}"
        virtual = pair.negative_image is None and pair.negative_caption is None
        negative: str | VirtualImage = pair.negative_image or pair.positive
        if virtual:
            source = self.root / pair.positive
            negative = VirtualImage(source, pair.mode, pair.severity, pair.seed, pair.negative_sha256)
        return KnownPair(
            pair=pair.pair_id,
            positive=self._item(pair, pair.positive, pair.positive, pair.prompt),
            negative=self._item(pair, label, negative, pair.negative_caption or pair.prompt),
            dimension=DIMENSION_OF[pair.aspect],
            cell=pair.cell,
            mode=pair.mode,
            severity=pair.severity,
            simulated=pair.simulated,
            generated=pair.generator is not None,
            group=pair.group,
        )

    def _item(self, pair: Pair, name: str, image: str | VirtualImage, prompt: str | None) -> int:
        if (image, prompt) not in self.known:
            self.known[image, prompt] = len(self.name)
            file = pair.positive if isinstance(image, VirtualImage) else image
            source = image if isinstance(image, VirtualImage) else self.root / image
            self.name.append(name)
            self.image.append(source if file in self.present else None)
            self.generator.append(pair.generator)
            self.group.append(pair.group)
        return self.known[image, prompt]

    def items(self) -> Items:
        return Items(
            name=tuple(self.name),
            image=tuple(self.image),
            prompt=tuple(prompt for _, prompt in self.known),
            generator=tuple(self.generator),
            generator_family=tuple(self.generator),
            group=tuple(self.group),
        )


def _root(path: Path, files: Iterable[str], roots: Sequence[Path], labels_only: bool) -> Path:
    """The first folder that holds any of the files."""
    recorded: list[Path] = []
    with suppress(InputError):  # not recorded or moved: the folders named by the user may have them
        recorded = [image_folder(path)]
    for root in (*roots, *recorded):
        if any(is_file(root / file) for file in files):
            return root
    if labels_only:
        return path.parent
    count, first = len(list(files)), next(iter(files))
    searched = ", ".join(map(str, (*roots, *recorded)))
    raise InputError(
        f"None of the {count:,} images of {path} (such as {first}) was found in {searched}; name the folder that "
        f"they are relative to with --data-root."
    )


def _check_files(path: Path, root: Path, expected: dict[str, str]) -> None:
    """Refuse positives that are other files: their negatives would be other images."""
    wrong = [file for file, sha256 in expected.items() if sha256_of(root / file) != sha256]
    if wrong:
        raise InputError(
            f"{root / wrong[0]} is not the file that {path} was made from (the sha256 of {len(wrong):,} of "
            f"{plural(len(expected), 'positive')} differs); name the folder of the original images with "
            f"--data-root, or build the pairs again."
        )


def _versions_note(path: Path) -> str:
    here, recorded = library_versions(), recorded_versions(path)
    differ = [
        f"{name} {recorded.get(name, 'absent')}, here {here.get(name, 'absent')}"
        for name in sorted(here.keys() | recorded.keys())
        if here.get(name) != recorded.get(name)
    ]
    if not differ:
        return ""
    return f"The pairs were made with {'; '.join(differ)}: a negative that comes out otherwise counts as failed."


def _card(path: Path, items: Items, pairs: Sequence[KnownPair]) -> DatasetCard:
    label = path.resolve().parent.name if path.name == MANIFEST_FILE else path.stem
    digest = sha256_of(path)
    try:
        check_file_name(label)
    except ValueError as error:
        raise InputError(f"{path}: {error}; rename its folder.") from error
    return DatasetCard(
        name=PAIRS + label,
        title=f"pairs {label}",
        kind="own",
        truth="known degradations",
        images=len(items),
        dimensions={
            dimension: LabelCard(column="pair", scale=(0.0, 1.0))
            for dimension in dict.fromkeys(DIMENSION_OF.values())
            if any(pair.dimension == dimension for pair in pairs)
        },
        labels=(LabelFile(file=path.name, sha256=digest, rows=len(pairs)),),
        reader=f"{__name__}:load_pairs",
        group="group of the manifest: images of one prompt or of like content",
        folder=path.resolve().parent.name,
        licence="that of the images",
        page=printable(str(path)),
        download="made by `eliq-bench pairs build`",
        citation="",
    )
