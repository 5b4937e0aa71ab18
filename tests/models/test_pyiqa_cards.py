"""The cards of pyiqa's metrics against pyiqa's own source, which is read without importing the package."""

import ast
import importlib.util
import math
import re
import warnings
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from eliq_bench.cards import ModelCard
from eliq_bench.io.files import sha256_of
from eliq_bench.registry import dataset_cards, read_model_cards

SET_LEVEL = {"fid", "sfid", "fid_dinov2", "inception_score"}
# Training sets that have no card in datasets.yaml
UNCATALOGUED = {
    "ava",
    "bid",
    "cgfiqa",
    "diffiqa",
    "fgrestore",
    "gfiqa20k",
    "laion_logos",
    "lsvq",
    "ma_sr",
    "pipal",
    "sac",
    "urankerset",
}
CACHES = {"torch-hub/pyiqa", "torch-hub/checkpoints", "torch-hub/clip", "clip", "huggingface"}
PUBLISHED_BY_PYIQA = "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/"
PYIQA = importlib.util.find_spec("pyiqa")
FOLDER = Path(PYIQA.submodule_search_locations[0]) if PYIQA and PYIQA.submodule_search_locations else None

pytestmark = pytest.mark.skipif(FOLDER is None, reason="pyiqa is not installed")


def load_alone(path: Path) -> ModuleType:
    """A module from its file, without the package around it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def configs() -> dict[str, dict[str, Any]]:
    """pyiqa's configuration of each per-image no-reference metric."""
    assert FOLDER is not None
    every = load_alone(FOLDER / "default_model_configs.py").DEFAULT_CONFIGS
    return {name: config for name, config in every.items() if config["metric_mode"] == "NR" and name not in SET_LEVEL}


@cache
def constructors() -> dict[str, tuple[Path, ast.arguments]]:
    """Class name to the file that defines it and the arguments of its `__init__`."""
    assert FOLDER is not None
    found = {}
    for path in sorted((FOLDER / "archs").glob("*_arch.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                        found[node.name] = (path, method.args)
    return found


def parameters(class_name: str) -> dict[str, Any]:
    """Parameters of a constructor with their defaults, where these are literals."""
    arguments = constructors()[class_name][1]
    names = [argument.arg for argument in arguments.args]
    values = dict(zip(names[len(names) - len(arguments.defaults) :], map(literal, arguments.defaults), strict=True))
    return {name: values.get(name) for name in names if name != "self"}


def literal(node: ast.expr) -> Any:
    """The value of a literal, None for any other expression."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


@cache
def cards() -> dict[str, ModelCard]:
    return read_model_cards((files("eliq_bench.models") / "pyiqa.yaml").read_text(encoding="utf-8"))


NAMES = sorted(cards())


def test_every_metric_has_a_card_and_every_card_a_metric() -> None:
    assert set(cards()) == set(configs())


@pytest.mark.parametrize("name", NAMES)
def test_direction_is_that_of_pyiqa(name: str) -> None:
    (direction,) = cards()[name].dimensions.values()
    assert (direction == "lower") == configs()[name].get("lower_better", False)


def test_what_is_predicted_besides_quality() -> None:
    other = {name: tuple(card.dimensions) for name, card in cards().items() if "quality" not in card.dimensions}
    aesthetic = {"nima", "nima-vgg16-ava", "musiq-ava", "topiq_iaa", "topiq_iaa_res50", "laion_aes"}
    assert other == {**dict.fromkeys(aesthetic, ("aesthetics",)), "clipscore": ("alignment",)}
    assert [name for name, card in cards().items() if card.needs_prompt] == ["clipscore"]


@pytest.mark.parametrize("name", NAMES)
def test_range_lies_within_the_bounds_that_pyiqa_states(name: str) -> None:
    bounds = cards()[name].score_range
    low = -math.inf if bounds[0] is None else bounds[0]
    high = math.inf if bounds[1] is None else bounds[1]
    assert low < high
    stated = [part.strip() for part in configs()[name]["score_range"].split(",")]
    exact = re.compile(r"-?[\d.]+")  # a tilde marks a bound that is only typical
    if exact.fullmatch(stated[0]) and low > -math.inf:
        assert low >= float(stated[0])
    if exact.fullmatch(stated[1]) and high < math.inf:
        assert high <= float(stated[1])


@pytest.mark.parametrize("name", [name for name in NAMES if cards()[name].options])
def test_options_are_constructor_parameters_with_pyiqas_defaults(name: str) -> None:
    given = dict(configs()[name]["metric_opts"])
    known = {**parameters(given.pop("type")), **given}
    for option, default in cards()[name].options.items():
        assert option in known
        assert known[option] == default


@pytest.mark.parametrize("name", NAMES)
def test_supervision_agrees_with_the_datasets_seen(name: str) -> None:
    card = cards()[name]
    learned = card.supervision in ("mos-trained", "preference-trained")
    assert bool(card.trained_on) == learned
    assert set(card.trained_on) <= set(dataset_cards()) | UNCATALOGUED
    assert len(set(card.trained_on)) == len(card.trained_on)


@pytest.mark.parametrize(
    ("word", "dataset"),
    [
        ("koniq10k", "koniq10k"),
        ("koniq", "koniq10k"),
        ("spaq", "spaq"),
        ("flive", "flive"),
        ("paq2piq", "flive"),
        ("ava", "ava"),
        ("pipal", "pipal"),
        ("kadid", "kadid10k"),
        ("clive", "livec"),
        ("live", "live"),
        ("csiq", "csiq"),
        ("tid", "tid2013"),
    ],
)
def test_the_dataset_in_pyiqas_configuration_is_on_the_card(word: str, dataset: str) -> None:
    keys = ("pretrained", "train_dataset", "regressor_dataset")
    named = [name for name, config in configs().items() if word in [config["metric_opts"].get(key) for key in keys]]
    assert named
    for name in named:
        assert cards()[name].trained_on == (dataset,)


@pytest.mark.parametrize("name", [name for name in NAMES if cards()[name].weights])
def test_weights_are_named_in_the_source_and_addressed(name: str) -> None:
    path = constructors()[configs()[name]["metric_opts"]["type"]][0]
    source = path.read_text(encoding="utf-8") + (path.parent / "niqe_arch.py").read_text(encoding="utf-8")
    for weight in cards()[name].weights:
        assert weight.cache in CACHES
        assert weight.url.endswith(weight.file)
        if weight.url.startswith(PUBLISHED_BY_PYIQA):
            assert f"'{unquote(weight.file)}'" in source
            assert "+" not in weight.file  # pyiqa caches it under the quoted name
        if "openaipublic" in weight.url:
            assert f"/{weight.sha256}/" in weight.url


def test_clip_is_looked_for_where_each_loader_looks() -> None:
    for name, card in cards().items():
        path = constructors().get(configs()[name]["metric_opts"]["type"], (None,))[0]
        for weight in card.weights:
            if "openaipublic" in weight.url:
                assert path is not None
                of_pyiqa = re.search(r"clip_model import load", path.read_text(encoding="utf-8"))
                afine = "afineclip_model" in path.read_text(encoding="utf-8")
                assert weight.cache == ("torch-hub/clip" if of_pyiqa and not afine else "clip")


def test_hashes_on_cards_are_those_of_the_files_at_hand(shared_data: Path) -> None:
    at_hand = {path.name: path for path in (shared_data / "weights").iterdir()}
    compared = 0
    for weight in {weight for card in cards().values() for weight in card.weights if weight.sha256}:
        if weight.file in at_hand:
            assert sha256_of(at_hand[weight.file]) == weight.sha256
            compared += 1
    assert compared


# What the cards of the classical metrics say about images, tried on pyiqa itself


@cache
def metric(name: str, file: str, folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from pyiqa import create_metric

        further = {"pretrained_model_path": str(folder / file)} if file else {}
        return create_metric(name, device=torch.device("cpu"), **further)


def score(measure: Any, image: NDArray[np.uint8]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(measure(Image.fromarray(image)))


CLASSICAL = [
    ("niqe", "niqe_modelparameters.mat"),
    ("piqe", ""),
    ("brisque", "brisque_svm_weights.pth"),
]


@pytest.mark.parametrize(("name", "file"), CLASSICAL)
def test_the_smallest_admitted_image_has_a_score(name: str, file: str, shared_data: Path) -> None:
    side = cards()[name].min_side
    with Image.open(shared_data / "agiqa3k" / "images" / "midjourney_normal_072.jpg") as photograph:
        pixels = np.asarray(photograph.convert("RGB"))
    for corner in (0, 100, 300):
        crop = np.ascontiguousarray(pixels[corner : corner + side, corner : corner + side])
        assert np.isfinite(score(metric(name, file, shared_data / "weights"), crop))


def test_niqe_fails_below_its_block(shared_data: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (95, 300, 3), dtype=np.uint8)
    with pytest.raises(RuntimeError):
        score(metric(*CLASSICAL[0], shared_data / "weights"), noise)


def test_a_constant_image_is_undefined_for_niqe_but_not_always_for_the_others(shared_data: Path) -> None:
    folder = shared_data / "weights"
    red = np.full((128, 128, 3), (255, 0, 0), dtype=np.uint8)
    with pytest.raises(RuntimeError, match="non-finite"):
        score(metric(*CLASSICAL[0], folder), red)
    assert score(metric(*CLASSICAL[1], folder), red) == 100
    assert np.isnan(score(metric(*CLASSICAL[1], folder), np.zeros_like(red)))
    with pytest.raises(AssertionError, match="non zero variance"):
        score(metric(*CLASSICAL[2], folder), np.zeros_like(red))


@pytest.mark.slow
def test_ilniqe_gives_its_known_value(shared_data: Path) -> None:
    with Image.open(shared_data / "agiqa3k" / "images" / "midjourney_normal_072.jpg") as photograph:
        pixels = np.asarray(photograph.convert("RGB"))
    measure = metric("ilniqe", "ILNIQE_templateModel.mat", shared_data / "weights")
    assert score(measure, pixels) == pytest.approx(23.1054, abs=1e-3)  # spec/datasets.md section 6
