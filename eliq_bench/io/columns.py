"""What the columns of a table are about: the names that this field gives them, and what is in their cells.

Names are compared without case, spaces and signs: `Image name`, `image_name` and `ImageName` are one.
"""

import re
from collections.abc import Mapping

from eliq_bench.errors import InputError
from eliq_bench.io.files import is_image_name
from eliq_bench.io.tables import Table, is_number

IMAGE = (
    *("image", "imagename", "imagepath", "imagefile", "imageid", "imagekey", "img", "imgname", "imgpath", "imgid"),
    *("name", "file", "filename", "filepath", "path", "generatedimage"),
    *("disimgpath", "disimg", "distimgpath", "distimg", "dist", "distorted"),
)
"""Names of columns with the file names of the images, as `normalised` gives them."""
PROMPT = ("prompt", "textprompt", "caption")

LABELS: Mapping[str, str] = {
    "quality": "quality",
    "alignment": "alignment",
    "aesthetics": "aesthetics",
    "authenticity": "authenticity",
    "realism": "realism",
    "appeal": "appeal",
    "naturalness": "naturalness",
    "overall": "overall",
    **dict.fromkeys(("mos", "qmos", "mosq", "mosquality", "qualitymos", "moszscore"), "quality"),
    **dict.fromkeys(("mosalign", "mosalignment", "alignmentmos", "correspondencemos"), "alignment"),
    "authenticitymos": "authenticity",
}
"""Normalised name of a column to the dimension whose labels it holds, higher being better."""
UNDIRECTED = frozenset(("dmos", "score", "gtscore", "label", "groundtruth"))
"""Names of label columns that point up in one file and down in the next: CSIQ's and LIVE's hold DMOS."""


def normalised(name: str) -> str:
    """A name of a column without case, spaces and signs."""
    return re.sub(r"[\W_]", "", name.casefold())


def find_image_column(table: Table, chosen: str | None = None) -> str:
    """The column with the names of the images: the chosen one, `image`, else by name and content.

    A column called by one of the names in `IMAGE` counts, those whose cells look like image files before others; a
    column of another name counts if its cells look like image files and no two are equal, as those of references are.

    Raises:
        InputError: there is no such column, or more than one.
    """
    if chosen or "image" in table.columns:
        table.column(chosen or "image")
        return chosen or "image"
    looking = [name for name, cells in table.columns.items() if _look_like_images(cells)]
    named = [name for name in table.columns if normalised(name) in IMAGE]
    both = [name for name in named if name in looking]
    distinct = [name for name in looking if len(set(table.columns[name])) == table.rows]
    options = both or list(dict.fromkeys([*named, *distinct]))
    if len(options) > 1:
        options = [name for name in options if name in distinct] or options
    if len(options) == 1:
        return options[0]
    if options:
        raise InputError(
            f"{table.path} may have the images in {' or in '.join(map(repr, options))}; call the right one image, or "
            f"name it with --image-column."
        )
    raise InputError(
        f"{table.path} has no column that is known to name images (its columns: {described(table)}); call the right "
        f"one image, or name it with --image-column."
    )


def find_column(table: Table, known: tuple[str, ...]) -> str | None:
    """The column of one of these normalised names, None if there is none; the first name wins over the others.

    Raises:
        InputError: two columns have a later one of the names.
    """
    for names in (known[:1], known[1:]):
        found = [name for name in table.columns if normalised(name) in names]
        if len(found) > 1:
            raise InputError(f"{table.path} has {found[0]!r} beside {found[1]!r}, which mean the same; rename one.")
        if found:
            return found[0]
    return None


def find_labels(table: Table) -> dict[str, str]:
    """Dimension to the column that holds its labels, by the names in `LABELS`.

    Raises:
        InputError: there is none, or two with different cells for one dimension.
    """
    chosen: dict[str, str] = {}
    for column, cells in table.columns.items():
        dimension = LABELS.get(normalised(column))
        if dimension and cells != table.columns[chosen.setdefault(dimension, column)]:
            first = chosen[dimension]
            raise InputError(
                f"{table.path} has two columns for {dimension}, {first!r} and {column!r}; say which with --dimension, "
                f"as in '{dimension}={first}'."
            )
    if chosen:
        return chosen
    unclear = [name for name in table.columns if normalised(name) in UNDIRECTED]
    if table.headerless:
        unclear = [name for name, cells in table.columns.items() if all(map(is_number, cells))]
    if len(unclear) == 1:
        raise InputError(
            f"{table.path} does not say which way its column {unclear[0]!r} points; say it with --dimension "
            f"'quality={unclear[0]}' if higher is better, else 'quality={unclear[0]}:lower'."
        )
    raise InputError(
        f"{table.path} has no label column known by name (its columns: {described(table)}); name one, as in "
        f"--dimension quality=COLUMN, or write a {table.path.stem}.yaml beside it."
    )


def described(table: Table) -> str:
    """The columns in words; those without a name of their own with their first cell."""
    if not table.headerless:
        return ", ".join(table.columns)
    return ", ".join(f"{name!r} with {cells[0]!r}" for name, cells in table.columns.items())


def _look_like_images(cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return 2 * sum(is_image_name(cell.strip()) for cell in filled) > len(filled)
