"""Plots: every kind as PNG and SVG, the same bytes twice, no date, no display."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import click
import numpy as np
import pytest
from PIL import Image
from support.boards import MODELS, Model, make_run, toy_items
from support.cli import Cli

from eliq_bench.cli.report import KINDS as OFFERED
from eliq_bench.cli.report import plot
from eliq_bench.errors import InputError
from eliq_bench.report.plots import KINDS, KINDS_OF_PAIRS, draw
from eliq_bench.report.plots.critical_difference import cliques
from eliq_bench.report.plots.data import read_plot_data
from eliq_bench.stats.many import compare_models

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("plots") / "run")


def test_the_command_offers_every_kind() -> None:
    assert set(OFFERED) == {*KINDS, *KINDS_OF_PAIRS}
    option = next(parameter for parameter in plot.params if parameter.name == "kind")
    assert isinstance(option.type, click.Choice)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_same_run_gives_the_same_bytes(run: Path, tmp_path: Path, kind: str) -> None:
    for name in ("a.svg", "b.svg", "a.png", "b.png"):
        draw(kind, run, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert image.width > 300
        assert len(np.unique(np.asarray(image.convert("L")))) > 10, "something is drawn"
    text = (tmp_path / "a.svg").read_text()
    ElementTree.fromstring(text)
    assert "dc:date" not in text
    assert "sharp_one" in text, "text stays text"


def test_dataset_dimension_and_models_can_be_chosen(run: Path) -> None:
    data = read_plot_data(run, "toy", "alignment")
    assert [entry.row.model for entry in data.models] == ["follows"]
    chosen = read_plot_data(run, models=["noisy", "reversed"])
    assert [entry.row.model for entry in chosen.models] == ["reversed", "noisy"], "best first"
    assert chosen.models[0].own.mean() > 5, "its own direction"
    with pytest.raises(InputError, match=r"no model 'nois' to plot.*Did you mean noisy"):
        read_plot_data(run, models=["nois"])
    with pytest.raises(InputError, match="no dimension 'beauty'"):
        read_plot_data(run, dimension="beauty")
    with pytest.raises(InputError, match="no dataset 'toys'"):
        read_plot_data(run, "toys")


def test_what_a_run_cannot_give_is_one_sentence(tmp_path: Path) -> None:
    from dataclasses import replace

    items = toy_items()
    photographs = replace(items, generator=(None,) * len(items), generator_family=(None,) * len(items))
    run = make_run(tmp_path / "run", {"sharp_one": Model(0.3)}, items=photographs)
    with pytest.raises(InputError, match="does not say which generator"):
        draw("generators", run, tmp_path / "x.png")
    with pytest.raises(InputError, match="fewer than 2 models"):
        draw("cd", run, tmp_path / "x.png")
    with pytest.raises(InputError, match=r"must end in \.png or \.svg"):
        draw("forest", run, tmp_path / "x.pdf")
    assert not (tmp_path / "x.png").exists()


def test_bars_join_no_two_models_that_are_separable() -> None:
    items = toy_items()
    label = items.labels["quality"]
    scores = {name: label + model.noise * (label**2 % 1) for name, model in MODELS.items()}
    comparison = compare_models(scores, label, items.group, n_resamples=1500)
    for names in cliques(comparison):
        assert len(names) > 1
        for first in names:
            for second in names:
                if first != second:
                    assert comparison.pair(first, second).p_holm > comparison.alpha


def test_the_command_draws_and_imports_matplotlib_only_then(cli: Cli, run: Path, tmp_path: Path) -> None:
    done = cli("plot", run, "--kind", "forest", "--out", tmp_path / "forest.svg")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "forest.svg").is_file()
    wrong = cli("plot", run, "--kind", "forest", "--out", tmp_path / "forest.pdf")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("Error: --out forest.pdf must end in")
    code = (
        "import sys\nfrom eliq_bench.cli import main\ntry: main(['plot', '--help'])\n"
        "finally: print(sorted({'matplotlib', 'numpy', 'pyarrow', 'jinja2'} & set(sys.modules)), file=sys.stderr)"
    )
    light = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert light.stderr.strip() == "[]"
