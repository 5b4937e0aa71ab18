"""What text encoders cannot read of prompts, held against their own tokenizers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from support.cli import Cli

from eliq_bench.cards import builtin_cards
from eliq_bench.eliq.prompts import encoder
from eliq_bench.io.tables import read_table
from eliq_bench.models import clip_prompts
from eliq_bench.results.records import Results

ENGLISH = (
    "a red dog runs over a green meadow",
    "die cut sticker of a pair of lips, warm color",
    "portrait of la Catrina, el dia de los muertos style, by Vincent van Gogh and Leonardo da Vinci",
    "csgo sticker, ibuypower, 2014, katowice",
    "naïve café, São Paulo, 50 % off",
    "the word 愛 on a wall of red bricks",
    "",
)
FOREIGN = (
    "ein roter Hund läuft über eine grüne Wiese",
    "Ein Astronaut reitet auf einem Pferd",
    "une vieille femme lit un livre près de la fenêtre",
    "dos gatos duermen en un sofá azul",
    "due gatti dormono su un divano blu",
    "een rode hond met een hoed op het gras",
    "一只红色的狗在绿色的草地上奔跑",
    "красная собака бежит по зелёному лугу",
    "赤い犬が緑の草原を走る",
    "كلب أحمر يركض في مرج أخضر",
    "빨간 개가 푸른 초원을 달린다",
    "ένας κόκκινος σκύλος τρέχει",
)


def test_english_prompts_pass_and_others_are_found() -> None:
    assert encoder.unread(ENGLISH) == {}
    assert encoder.unread([*ENGLISH, *FOREIGN]) == {encoder.FOREIGN: list(FOREIGN)}


def test_of_thousands_of_english_prompts_hardly_any_is_called_foreign(shared_data: Path) -> None:
    own = read_table(shared_data / "agiqa3k" / "data.csv").column("prompt")
    assert encoder.unread(own) == {}


def distinct_prompts(name: str, shared_data: Path) -> list[str]:
    if name == "aigiqa20k":
        own = read_table(shared_data / "labels" / "AIGIQA-20K" / "info_train.csv").column("prompt")
    else:
        lines = (shared_data / "labels" / "EvalMi-50K" / "prompt_tasks.jsonl").read_text().splitlines()
        own = [json.loads(line)["prompt"] for line in lines if line]
    return list(dict.fromkeys(own))


@pytest.mark.parametrize(("name", "count"), [pytest.param("aigiqa20k", 56, marks=pytest.mark.slow), ("evalmi50k", 31)])
def test_long_prompts_are_counted_and_stand_on_the_card(name: str, count: int, shared_data: Path) -> None:
    """The numbers are those of the review that found them."""
    assert len(encoder.unread(distinct_prompts(name, shared_data))[encoder.CUT]) == count
    assert any(f"{count} prompts" in defect for defect in builtin_cards()[name].defects)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["aigiqa20k", "evalmi50k"])
def test_long_prompts_are_those_that_transformers_would_cut(name: str, shared_data: Path) -> None:
    from transformers import AutoTokenizer

    prompts = distinct_prompts(name, shared_data)
    tokenizer = AutoTokenizer.from_pretrained(str(encoder.weights_folder()), local_files_only=True)
    whole = tokenizer(prompts, truncation=False)["input_ids"]
    cut = [prompt for prompt, pieces in zip(prompts, whole, strict=True) if len(pieces) > 128]
    assert encoder.unread(prompts)[encoder.CUT] == cut


@pytest.mark.slow
def test_clip_cuts_the_prompts_that_its_own_tokenizer_refuses(shared_data: Path) -> None:
    clip = pytest.importorskip("clip", reason="openai-clip comes with pyiqa, which nothing needs")
    prompts = read_table(shared_data / "labels" / "AIGIQA-20K" / "info_train.csv").column("prompt")[::50]
    cut = clip_prompts.unread(prompts).get(clip_prompts.CUT, [])
    refused = []
    for prompt in prompts:
        try:
            clip.tokenize([clip_prompts.PREFIX + prompt])
        except RuntimeError:
            refused.append(prompt)
    assert cut == refused
    assert refused


EXPECTED = [
    f"eliq: 1 of 3 prompts of t (1 of 12 items, such as 0.png) {encoder.CUT}.",
    f"eliq: 1 of 3 prompts of t (2 of 12 items, such as 1.png) {encoder.FOREIGN}.",
]


def with_prompts(folder: Path) -> Path:
    """A table of twelve images, one under a long prompt and two under a German one."""
    prompts = ["a cat " * 100, "ein Hund auf einem Pferd", "ein Hund auf einem Pferd", *(["a dog"] * 9)]
    rows = [f"{number}.png,{prompt},{number}" for number, prompt in enumerate(prompts)]
    (folder / "t.csv").write_text("\n".join(["image,prompt,alignment", *rows]))
    return folder / "t.csv"


def test_a_dry_run_says_what_a_run_could_not_read(cli: Cli, pictures: Path) -> None:
    done = cli("run", "--models", "eliq,luma", "--datasets", with_prompts(pictures), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert all(done.stdout.count(text) == 1 for text in EXPECTED)


@pytest.mark.slow
def test_a_run_says_once_what_it_could_not_read(cli: Cli, pictures: Path) -> None:
    for number in range(12):  # the critic needs 32 pixels on each side
        Image.open(pictures / f"{number}.png").resize((40, 40)).save(pictures / f"{number}.png")
    table = with_prompts(pictures)
    done = cli("run", "--models", "eliq", "--datasets", table, "--out", pictures / "run", "--workers", 1)
    assert done.returncode == 0, done.stderr
    warnings = Results.load(pictures / "run").warnings
    assert [text for text in warnings if text.startswith("eliq: ")] == EXPECTED
    report = " ".join((pictures / "run" / "report.md").read_text().split())
    printed = " ".join((done.stdout + done.stderr).split())
    assert all(report.count(text) == printed.count(text) == 1 for text in EXPECTED)


def test_checking_prompts_is_light() -> None:
    code = (
        "import sys; from eliq_bench.eliq.prompts.encoder import unread; from eliq_bench.models import clip_prompts; "
        "assert unread(['a cat ' * 100]) and clip_prompts.unread(['a cat ' * 100]); "
        "assert not {'pandas', 'torch', 'transformers', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
