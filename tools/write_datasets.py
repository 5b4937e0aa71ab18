"""Write one page per dataset and their overview, from the cards: docs/datasets/. `--check` only compares."""

import sys
from pathlib import Path

from rich.filesize import decimal

from eliq_bench.cards import DatasetCard, DatasetSplit, LabelFile, Source, builtin_cards
from eliq_bench.cli.listing import seen_by
from eliq_bench.datasets.locate import download_size
from eliq_bench.io.markdown import Markdown, bullets, code, escape, link, table

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "datasets"
GENERATED = "<!-- Written by tools/write_datasets.py from datasets.yaml; change that. -->"
UNKNOWN = "–"
JUDGED = {
    "correlation": "rank correlation with the labels",
    "pairs": "pairwise accuracy: how often a model scores the image higher that people preferred, within a prompt",
    "both": "rank correlation with the ratings, and pairwise accuracy within a prompt",
}
TERMS = {
    "open": "a licence for any use",
    "academic": "research only",
    "form": "to be asked for with a form",
    "none-stated": "none in writing",
}


def page(card: DatasetCard) -> str:
    """The page of one dataset; ends with a newline."""
    parts = [GENERATED, f"# {escape(card.title)} ({code(card.name)})"]
    if card.unavailable:
        parts.append(f"**Cannot be loaded:** {escape(card.unavailable)}.")
    parts += [bullets(_facts(card)), "## Labels", _labels(card)]
    if card.labels:
        parts.append(bullets([_label_file(part) for part in card.labels]))
    parts += ["## Getting it", *_getting(card)]
    if card.splits:
        parts += ["## Splits", bullets([_split(name, split) for name, split in card.splits.items()])]
    if card.defects:
        parts += ["## Known defects", bullets(list(card.defects))]
    if seen := seen_by(card):
        text = (
            f"{len(seen)} models of the registry were trained on its labels, or on a set that holds some of its images:"
        )
        parts += ["## Models that saw it", f"{text} {escape(', '.join(seen))}."]
    return "\n\n".join([*parts, "## Citation", escape(card.citation)]) + "\n"


def overview(cards: dict[str, DatasetCard]) -> str:
    """The table of all datasets; ends with a newline."""
    headers = ("dataset", "title", "kind", "images", "dimensions", "judged by", "terms", "download", "where")
    rows = [
        [
            link(card.name, f"{card.name}.md"),
            card.title,
            card.kind,
            _count(card.images),
            ", ".join(card.dimensions),
            card.judged_by,
            card.terms,
            decimal(download_size(card)) if download_size(card) else UNKNOWN,
            _where(card),
        ]
        for card in cards.values()
    ]
    text = (
        f"{len(cards)} datasets. A dash: nobody has said, and nothing is guessed; it is then told by the first load. "
        "`eliq-bench list datasets` shows the same with what is on this machine."
    )
    return "\n\n".join([GENERATED, "# Datasets", text, table(headers, rows)]) + "\n"


def _facts(card: DatasetCard) -> list[str | Markdown]:
    shared = f"Shares images with: {', '.join(card.shares_images_with)}. A model trained on these has seen some."
    return [
        f"{_count(card.images)} images, {card.kind}; labels: {card.truth}"
        + (f", {card.variant}." if card.variant else "."),
        f"Judged by {JUDGED[card.judged_by]}.",
        *([f"{card.pairs:,} pairs with a preference."] if card.pairs else []),
        f"Resampled, and divided into folds, by {card.group}.",
        f"Licence: {card.licence}. Terms: {card.terms}, {TERMS[card.terms]} ({card.terms_evidence}).",
        *([shared] if card.shares_images_with else []),
        *(["Reserved for independent evaluation: never train, tune or select on it."] if card.reserved else []),
        Markdown(f"Page: <{card.page}>"),
    ]


def _labels(card: DatasetCard) -> str:
    headers = ("dimension", "column", "better is", "scale", "deviation", "raters", "mean in the file")
    rows = [
        [
            name,
            label.column,
            label.direction,
            f"{label.scale[0]:g} to {label.scale[1]:g}",
            label.std or UNKNOWN,
            str(label.raters or UNKNOWN),
            UNKNOWN if label.mean is None else f"{label.mean:.6f}",
        ]
        for name, label in card.dimensions.items()
    ]
    return table(headers, rows)


def _label_file(part: LabelFile) -> Markdown:
    names = ", ".join(code(name) for name in (part.file, *part.aliases))
    digest = (
        f"sha256 {code(part.sha256)}" if part.sha256 else "its hash is not known, and recorded on the first download"
    )
    return Markdown(f"{names}: {digest}")


def _getting(card: DatasetCard) -> list[str]:
    by_hand = f"By hand: {escape(card.download)}."
    if not card.sources:
        return [by_hand]
    headers = ("source", "files", "gives", "size", "note")
    rows = [
        [
            Markdown(f"{one.kind} {code(one.address)}" + (f" at {code(one.revision)}" if one.revision else "")),
            ", ".join(one.files) or "all",
            ", ".join(one.gives),
            decimal(one.size) if one.size else UNKNOWN,
            _note(one),
        ]
        for one in card.sources
    ]
    return [f"`eliq-bench fetch {card.name}` tries these in their order:", table(headers, rows), by_hand]


def _note(source: Source) -> str:
    return "; ".join(filter(None, (source.note, f"of these {', '.join(source.members)}" if source.members else "")))


def _split(name: str, split: DatasetSplit) -> Markdown:
    where = f"{code(split.column)} is {code(split.value)}" if split.column else f"listed in {code(split.file)}"
    count = f"{split.rows:,} images" if split.rows else "images not counted"
    return Markdown(f"{code(name)}: {count}, {where}" + (f" ({escape(split.source)})" if split.source else ""))


def _where(card: DatasetCard) -> str:
    given = {what for source in card.sources for what in source.gives}
    if card.unavailable:
        return "kept back"
    if card.truth == "known degradations":
        return "built here"
    return "fetch" if given == {"labels", "images"} else "by hand"


def _count(number: int) -> str:
    return f"{number:,}" if number else UNKNOWN


def main() -> None:
    """Write the pages, or say which differ and exit with 1."""
    cards = dict(builtin_cards())
    wanted = {f"{name}.md": page(card) for name, card in cards.items()} | {"README.md": overview(cards)}
    present = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")} if FOLDER.is_dir() else {}
    if "--check" in sys.argv:
        changed = sorted(name for name in {*wanted, *present} if wanted.get(name) != present.get(name))
        if changed:
            sys.exit(f"docs/datasets: {', '.join(changed)} differ from the cards; run python tools/write_datasets.py")
        return
    FOLDER.mkdir(exist_ok=True)
    for name in present.keys() - wanted.keys():
        (FOLDER / name).unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
