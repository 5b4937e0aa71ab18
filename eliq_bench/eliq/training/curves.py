"""Curves of a training run: a table, TensorBoard events where it is installed, and a PNG."""

import csv
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from eliq_bench.eliq.training.rank import Epoch

CURVES_CSV, CURVES_PNG = "curves.csv", "curves.png"


def write_curves(folder: Path, epochs: Sequence[Epoch]) -> list[Path]:
    """Write the loss and what held-out pairs say of each epoch; returns the files and folders made."""
    written = [_table(folder / CURVES_CSV, epochs), _picture(folder / CURVES_PNG, epochs)]
    if find_spec("tensorboard") is not None:
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(folder / "tensorboard")) as writer:
            for epoch in epochs:
                for name, value in _values(epoch).items():
                    writer.add_scalar(name, value, epoch.epoch)
        written.append(folder / "tensorboard")
    return written


def _values(epoch: Epoch) -> dict[str, float]:
    accuracy = {f"held-out accuracy/{name}": value for name, value in sorted(epoch.accuracy.items())}
    order = {f"held-out order/{name}": value for name, value in sorted(epoch.order.items())}
    return {"loss": epoch.loss, "held-out mean, which decides": epoch.held_out, **accuracy, **order}


def _table(path: Path, epochs: Sequence[Epoch]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["epoch", *_values(epochs[0])])
        writer.writeheader()
        writer.writerows({"epoch": epoch.epoch, **_values(epoch)} for epoch in epochs)
    return path


def _picture(path: Path, epochs: Sequence[Epoch]) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    numbers = [epoch.epoch for epoch in epochs]
    left.plot(numbers, [epoch.loss for epoch in epochs], marker="o")
    left.set(xlabel="epoch", ylabel="training loss")
    for name in list(_values(epochs[0]))[1:]:
        right.plot(numbers, [_values(epoch)[name] for epoch in epochs], marker="o", label=name)
    right.set(xlabel="epoch", ylabel="share in the right order")
    right.legend(fontsize=7, loc="best", framealpha=0.6)
    figure.savefig(path, dpi=120)
    return path
