"""Readers of label files: the one that most cards name, and those of sets with formats of their own.

The general reader takes one table with a row per image, described by the card's options. Readers of sets where people
compared images stand in `preferences`.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from eliq_bench.cards import DatasetCard, explain
from eliq_bench.errors import InputError, first_line
from eliq_bench.io.columns import find_image_column, find_labels
from eliq_bench.io.files import file_names, is_image_name
from eliq_bench.io.tables import TABLE_SUFFIXES, Table, read_table, read_text
from eliq_bench.types import Items, plain_items

if TYPE_CHECKING:
    from eliq_bench.stats.statistic import Floats

NO_NUMBER = frozenset(("", "nan", "na", "n/a", "null", "none"))
"""Cells without a label, in lower case."""


class TableOptions(BaseModel):
    """What a card says about its table beyond the columns with labels.

    A pattern is a regular expression with one group, searched in a text; the group is the result.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Column with the file name of the image."""
    strip: str = ""
    """Regular expression removed from the start of each name, to leave the path below the image folder."""
    header: tuple[str, ...] = ()
    separator: str = ""
    """Both as in `read_table`."""
    keep: dict[str, str] = {}
    """Column to value: rows with another value belong to another dataset."""
    drop: tuple[str, ...] = ()
    """Names left out, for a reason that the card lists among its defects."""
    first: int | None = None
    """Only so many of the remaining rows, from the top: a named part of a set."""
    names_sha256: str = ""
    """Of the names that remain, one per line: a part is exactly these images or it is refused."""
    template: str = ""
    """Name made from the cell of `name`, such as `Image{:0>4}.JPG` where the column has numbers."""
    stack: bool = False
    """True if all label files of the card are parts of one table."""
    votes: dict[str, str] = {}
    """Dimension to a pattern of columns with one rater each: their number and deviation, and their mean where the card
    names no column with the label."""
    derived: dict[str, dict[str, float]] = {}
    """New column to the weights of the columns it sums."""
    prompt: str | None = None
    """Column with the prompt."""
    generator: str | None = None
    """Pattern on the name."""
    family: str | None = None
    """Pattern on the generator."""
    group_column: str | None = None
    group_pattern: str | None = None
    """Column, or pattern on the name, that gives the group; without both it is the prompt, else the name."""
    counts: dict[str, str] = {}
    """Dimension to the column with the number of ratings."""


def read(card: DatasetCard, root: Path) -> Items:
    """Labels as in the first label file of the card, or all if they are `stack`ed; images are attached by the loader.

    Args:
        card: its `options` are `TableOptions`.
        root: the folder with the label files.

    Raises:
        InputError: the options are wrong, or the table does not have what the card says.
    """
    try:
        options = TableOptions.model_validate(card.options)
    except ValidationError as error:
        raise InputError(f"The options of dataset {card.name} have {explain(error)}.") from error
    files = card.labels if options.stack else card.labels[:1]
    tables = [read_table(root / part.file, options.header, options.separator) for part in files]
    return items_of(card, options, _stacked(tables))


def _stacked(tables: Sequence[Table]) -> Table:
    """One table with the rows of all, and the columns of the first."""
    columns = {name: [cell for table in tables for cell in table.column(name)] for name in tables[0].columns}
    return tables[0]._replace(columns=columns)


def items_of(card: DatasetCard, options: TableOptions, table: Table) -> Items:
    """The rows of a table that belong to the dataset, as items without images."""
    names = [re.sub(f"^(?:{options.strip})", "", name.strip()) for name in table.column(options.name)]
    names = [options.template.format(name) for name in names] if options.template else names
    rows = _rows(options, table, names)

    def text(column: str) -> tuple[str, ...]:
        cells = table.column(column)
        return tuple(cells[row] for row in rows)

    def values(column: str) -> "Floats":
        if column in options.derived:
            parts = [weight * values(part) for part, weight in options.derived[column].items()]
            return np.asarray(np.sum(parts, axis=0))
        return numbers(table.path, column, text(column), name)

    name = tuple(names[row] for row in rows)
    _check_names(card, options, name)
    votes = {
        dimension: np.stack([values(column) for column in table.columns if re.fullmatch(pattern, column)], axis=1)
        for dimension, pattern in options.votes.items()
    }
    means, spreads, counts = _votes(votes)
    prompt = text(options.prompt) if options.prompt else (None,) * len(name)
    generator = _by_pattern(card, options.generator, name)
    labels = card.dimensions.items()
    return Items(
        name=name,
        image=(None,) * len(name),
        prompt=prompt,
        generator=generator,
        generator_family=_by_pattern(card, options.family, generator) if options.family else generator,
        group=_groups(card, options, text, name, prompt),
        labels=means | {dimension: values(label.column) for dimension, label in labels if label.column},
        label_std={dimension: values(label.std) for dimension, label in labels if label.std} | spreads,
        label_n={dimension: values(column) for dimension, column in options.counts.items()} | counts,
    )


def _votes(votes: "Mapping[str, Floats]") -> "tuple[dict[str, Floats], dict[str, Floats], dict[str, Floats]]":
    """Mean, standard deviation and number of the votes of each image.

    Args:
        votes: per dimension (n, raters), NaN where a rater gave none.
    """
    n = {dimension: np.isfinite(own).sum(axis=1).astype(np.float64) for dimension, own in votes.items()}
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = {key: np.nansum(own, axis=1) / n[key] for key, own in votes.items()}
        square = {key: np.nansum((own - mean[key][:, None]) ** 2, axis=1) for key, own in votes.items()}
        std = {key: np.sqrt(square[key] / (n[key] - 1)) for key in votes}
    return mean, std, n


def numbers(path: Path, column: str, cells: tuple[str, ...], names: tuple[str, ...]) -> "Floats":
    """Cells of a column as float64, NaN where there is no number.

    Raises:
        InputError: a cell holds something else, or an infinite number.
    """
    try:
        parsed = np.array(list(map(float, cells)), dtype=np.float64)
        if np.isfinite(parsed).all():
            return parsed
    except ValueError:
        parsed = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            parsed[row] = np.nan if cell.strip().lower() in NO_NUMBER else float(cell)
        except ValueError:
            parsed[row] = np.inf
        if np.isinf(parsed[row]):
            raise InputError(
                f"{path}, row {row + 1} ({names[row]}): {column} is {cell!r}, which is not a finite number."
            )
    return parsed


def _rows(options: TableOptions, table: Table, names: list[str]) -> list[int]:
    rows = [row for row, name in enumerate(names) if name not in options.drop]
    for column, value in options.keep.items():
        cells = table.column(column)
        rows = [row for row in rows if cells[row] == value]
    return rows[: options.first]


def _check_names(card: DatasetCard, options: TableOptions, names: tuple[str, ...]) -> None:
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    if options.names_sha256 and digest != options.names_sha256:
        raise InputError(f"{card.name}: the {len(names):,} names of its rows are not those of its card.")


def _by_pattern(card: DatasetCard, pattern: str | None, texts: tuple[str | None, ...]) -> tuple[str | None, ...]:
    if pattern is None:
        return (None,) * len(texts)
    search = re.compile(pattern).search
    return tuple(_first_group(card, search, text or "") for text in texts)


def _first_group(card: DatasetCard, search: Callable[[str], re.Match[str] | None], text: str) -> str:
    match = search(text)
    if match is None:
        raise InputError(f"{card.name}: a pattern of its card does not fit {text!r}.")
    return match[1]


def _groups(
    card: DatasetCard,
    options: TableOptions,
    text: Callable[[str], tuple[str, ...]],
    name: tuple[str, ...],
    prompt: tuple[str | None, ...],
) -> tuple[str, ...]:
    if options.group_column:
        return text(options.group_column)
    if options.group_pattern:
        search = re.compile(options.group_pattern).search
        return tuple(_first_group(card, search, entry) for entry in name)
    return tuple(own if text is None else text for own, text in zip(name, prompt, strict=True))


# AIGCIQA2023: image n is 400 * generator + 4 * prompt + repetition, generators in this order.
AIGCIQA2023_GENERATORS = ("Controlnet", "DALLE", "Glide", "Lafite", "stable-diffusion", "Unidiffuser")


def read_aigciqa2023(card: DatasetCard, root: Path) -> Items:
    """The table of AIGCIQA2023, with the generator that follows from the number of the image (`0.png`)."""
    items = read(card, root)
    generator = tuple(AIGCIQA2023_GENERATORS[int(Path(name).stem) // 400] for name in items.name)
    return replace(items, generator=generator, generator_family=generator)


def read_evalmi50k(card: DatasetCard, root: Path) -> Items:
    """The table of EvalMi-50K with the prompts: line n of the second file belongs to `<generator>/n.png`."""
    items = read(card, root)
    lines = read_text(root / card.labels[1].file).splitlines()
    prompts = [str(json.loads(line)["prompt"]) for line in lines if line]
    prompt = tuple(prompts[int(name.rpartition("/")[2].partition(".")[0]) - 1] for name in items.name)
    return replace(items, prompt=prompt, group=prompt)


def read_livec(card: DatasetCard, root: Path) -> Items:
    """Names, MOS and standard deviations, without the images that only trained the raters.

    Args:
        card: `options` holds `names`, the variable with the file names, and `drop`, the names left out;
            the columns of the dimension are variables too, each in the file `<variable>.mat`.
        root: the folder with the label files.
    """
    from scipy.io import loadmat  # late: 0.2 s that no other dataset needs

    files = {Path(part.file).stem: root / part.file for part in card.labels}

    def variable(key: str) -> "np.ndarray[tuple[int], np.dtype[np.object_ | np.float64]]":
        return np.ravel(loadmat(files[key])[key])

    label = card.dimensions["quality"]
    names = [str(np.ravel(cell)[0]) for cell in variable(card.options["names"])]
    rows = [row for row, name in enumerate(names) if name not in card.options["drop"]]
    kept = tuple(names[row] for row in rows)
    return replace(
        plain_items(kept),
        labels={"quality": variable(label.column)[rows].astype(np.float64)},
        label_std={"quality": variable(label.std or "")[rows].astype(np.float64)},
    )


class Rating(NamedTuple):
    """What the votes on one image become a row of."""

    name: str
    prompt: str | None
    generator: str | None
    votes: dict[str, list[float]]
    """By dimension."""


def _rated(card: DatasetCard, ratings: Sequence[Rating]) -> Items:
    """Items with the mean of the votes, grouped by prompt."""
    names = tuple(rating.name for rating in ratings)
    most = {key: max((len(rating.votes.get(key, [])) for rating in ratings), default=0) for key in card.dimensions}
    padded = {
        key: np.array([(own := rating.votes.get(key, [])) + [np.nan] * (most[key] - len(own)) for rating in ratings])
        for key in card.dimensions
    }
    mean, std, n = _votes(padded)
    generator = tuple(rating.generator for rating in ratings)
    return Items(
        name=names,
        image=(None,) * len(names),
        prompt=tuple(rating.prompt for rating in ratings),
        generator=generator,
        generator_family=generator,
        group=tuple(rating.prompt or rating.name for rating in ratings),
        labels=mean,
        label_std=std if all(most[key] > 1 for key in most) else {},
        label_n=n,
    )


def read_votes(card: DatasetCard, root: Path) -> Items:
    """A JSON list, or object, of records with a list of votes for each dimension (TIFA-160, EvalMuse-40K).

    Args:
        card: `options` holds the keys `name` and `prompt`, and a pattern `generator` on the name; the column of a
            dimension is the key with its votes, of which null is left out.
        root: the folder with the label file.
    """
    options = card.options
    content = read_json(root / card.labels[0].file)
    names = [str(record[options["name"]]) for record in records_of(content)]
    generators = _by_pattern(card, options["generator"], tuple(names))
    ratings = [
        Rating(
            name,
            str(record[options["prompt"]]),
            generator,
            {key: _finite(record[label.column]) for key, label in card.dimensions.items()},
        )
        for name, generator, record in zip(names, generators, records_of(content), strict=True)
    ]
    return _rated(card, ratings)


def _finite(votes: Sequence[float | None]) -> list[float]:
    return [float(vote) for vote in votes if vote is not None]


def read_genai_bench(card: DatasetCard, root: Path) -> Items:
    """`genai_image.json`: under each number its prompt and the ratings of each generator's image."""
    (dimension,) = card.dimensions
    ratings = [
        Rating(f"{model}/{number}.jpeg", str(record["prompt"]), model, {dimension: _finite(votes)})
        for number, record in read_json(root / card.labels[0].file).items()
        for model, votes in record["models"].items()
    ]
    return _rated(card, ratings)


def read_tifa_dsg(card: DatasetCard, root: Path) -> Items:
    """The second annotation of TIFA-160: a row a vote, joined with the prompts of the items.

    Args:
        card: `options["models"]` maps its names of generators to those of the files.
        root: the folder with both label files.
    """
    table = read_table(root / card.labels[0].file)
    items = {str(record["image_path"]): record for record in records_of(read_json(root / card.labels[1].file))}
    (dimension,) = card.dimensions
    votes: dict[tuple[str, str], list[float]] = {}
    columns = (table.column(name) for name in ("source_id", "model_type", "answer"))
    for source, model, answer in zip(*columns, strict=True):
        votes.setdefault((source, card.options["models"][model]), []).append(float(answer))
    ratings = [
        Rating(name := f"{source}_{model}.jpg", str(items[name]["text"]), model, {dimension: own})
        for (source, model), own in votes.items()
    ]
    return _rated(card, ratings)


def read_each_dimension(card: DatasetCard, root: Path) -> Items:
    """A table for each dimension, joined by the name of the image; what one of them lacks is left out (Q-Eval-100K)."""
    parts = []
    for part, (dimension, label) in zip(card.labels, card.dimensions.items(), strict=True):
        own = card.model_copy(update={"labels": (part,), "dimensions": {dimension: label}})
        parts.append(read(own, root))
    rows = [{name: row for row, name in enumerate(items.name)} for items in parts]
    shared = [name for name in parts[0].name if all(name in other for other in rows)]
    joined = [items.take([row[name] for name in shared]) for items, row in zip(parts, rows, strict=True)]
    return replace(joined[0], labels={key: values for items in joined for key, values in items.labels.items()})


def read_union(card: DatasetCard, root: Path) -> Items:
    """All images of several overlapping lists, each once, by name (CGIQA-6K).

    Lists are JSON of Q-Align's shape, or tables with the columns `name` and `mos`.

    Args:
        card: `options["union_sha256"]` is that of the union as a CSV, labels as they are written in the lists.
        root: the folder with the label files.

    Raises:
        InputError: two lists give an image different labels, or the union is another than that of the card.
    """
    mos: dict[str, str] = {}
    for part in card.labels:
        table = read_table(root / part.file)
        image, score = ("image", "gt_score") if "image" in table.columns else ("name", "mos")
        for path, cell in zip(table.column(image), table.column(score), strict=True):
            name = path.rpartition("/")[2]
            if mos.setdefault(name, cell.strip()) != cell.strip():
                raise InputError(f"{card.name}: {name} is {mos[name]} in one list and {cell.strip()} in {part.file}.")
    names = tuple(sorted(mos))
    text = "".join(f"{name},{mos[name]}\n" for name in names)
    if hashlib.sha256(f"name,mos\n{text}".encode()).hexdigest() != card.options["union_sha256"]:
        raise InputError(f"{card.name}: the {len(names):,} labels of its lists are not those of its card.")
    labels = numbers(root, "mos", tuple(mos[name] for name in names), names)
    return replace(plain_items(names), labels={"quality": labels})


def read_shards(card: DatasetCard, root: Path) -> Items:
    """The shards of a Parquet table with images inside; of those nothing but the names is read (RichHF-18K)."""
    import pyarrow as pa

    from eliq_bench.io import parquet

    options = TableOptions.model_validate(card.options)
    wanted = [options.name, options.prompt or options.name, *(label.column for label in card.dimensions.values())]
    cells: dict[str, list[str]] = {name: [] for name in wanted}
    for part in card.labels:
        path = root / part.file
        try:
            table = parquet.read(path).read(columns=list(cells))
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is not a readable Parquet file: {first_line(error)}") from error
        for name in cells:
            if name not in table.column_names:
                raise InputError(f"{path} has no column {name!r} (its columns: {', '.join(table.column_names)}).")
            cells[name] += ["" if value is None else str(value) for value in table.column(name).to_pylist()]
    return items_of(card, options, Table(root / card.labels[0].file, cells))


def read_avt_ai(card: DatasetCard, root: Path) -> Items:
    """Ratings of the first test of AVT-AI-Images, with the prompts by their number.

    Keys of images go around as `p01`, `glide/p01` and `glide/p01.png`; the generator then stands in the column `db`.
    """
    table = read_table(root / card.labels[0].file)
    texts = read_table(root / card.labels[1].file)
    prompts = dict(zip(texts.column("ID"), texts.column("prompts"), strict=True))
    keys = [
        key if "/" in key else f"{generator}/{key}"
        for key, generator in zip(table.column("image_key"), table.column("db"), strict=True)
    ]
    names = tuple(key if is_image_name(key) else f"{key}.png" for key in keys)
    table.columns["file"] = list(names)
    items = items_of(card, TableOptions(name="file", generator=r"^([^/]+)/", group_pattern=r"(p\d+)"), table)
    return replace(items, prompt=tuple(prompts.get(group) for group in items.group))


def read_found(card: DatasetCard, root: Path) -> Items:
    """The one table below a folder that has as many rows as the card images, its columns found as in own tables.

    For sets whose layout nobody describes (AU-IQA).

    Args:
        card: `options["group"]` is a pattern on the name that gives the group.
        root: the folder of the dataset.
    """
    found = []
    for folder, files in file_names(root) if root.is_dir() else ():
        for file in files:
            if Path(file).suffix.lower() in TABLE_SUFFIXES:
                with suppress(InputError):
                    table = read_table(folder / file)
                    if table.rows == card.images:
                        found.append(table)
    if len(found) != 1:
        raise InputError(
            f"{card.name}: {len(found)} tables with {card.images:,} rows are below {root}, where one is needed; "
            f"{card.download} ({card.page})."
        )
    labels = find_labels(found[0])
    (dimension,) = card.dimensions
    if dimension not in labels:
        raise InputError(f"{found[0].path} has no column that is called like a {dimension} label, such as MOS.")
    label = card.dimensions[dimension].model_copy(update={"column": labels[dimension]})
    options = TableOptions(name=find_image_column(found[0]), group_pattern=card.options["group"])
    return items_of(card.model_copy(update={"dimensions": {dimension: label}}), options, found[0])


def read_json(path: Path) -> Any:
    """The content of a JSON file, or of JSON Lines as a list.

    Raises:
        InputError: it is neither.
    """
    text = read_text(path)
    try:
        if path.suffix.lower() == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not readable JSON: {first_line(error)}.") from error


def records_of(content: Any) -> list[dict[str, Any]]:
    """The records of a list, or of an object that has one under each key."""
    return list(content.values() if isinstance(content, dict) else content)
