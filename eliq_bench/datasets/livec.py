"""Labels of LIVE-C (CLIVE): three MATLAB files, one variable each, in one order."""

from pathlib import Path

import numpy as np

from eliq_bench.types import DatasetCard, Items


def read(card: DatasetCard, root: Path) -> Items:
    """Names, MOS and standard deviations, without the images that only trained the raters.

    Args:
        card: `options` holds `names`, the variable with the file names, and `drop`, the names left out;
            the columns of the dimension are variables too, each in the file `<variable>.mat`.
        root: the folder with the label files.
    """
    from scipy.io import loadmat  # late: 0.2 s that no other dataset needs

    def variable(key: str) -> "np.ndarray[tuple[int], np.dtype[np.object_ | np.float64]]":
        return np.ravel(loadmat(root / f"{key}.mat")[key])

    label = card.dimensions["quality"]
    names = [str(np.ravel(cell)[0]) for cell in variable(card.options["names"])]
    rows = [row for row, name in enumerate(names) if name not in card.options["drop"]]
    kept = tuple(names[row] for row in rows)
    nothing = (None,) * len(kept)
    return Items(
        name=kept,
        image=nothing,
        prompt=nothing,
        generator=nothing,
        generator_family=nothing,
        group=kept,
        labels={"quality": variable(label.column)[rows].astype(np.float64)},
        label_std={"quality": variable(label.std or "")[rows].astype(np.float64)},
    )
