"""`pairs generate --dry-run`, and what is looked at before a pipeline is fetched."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from eliq_bench.cli.generate import generate as generate_command
from eliq_bench.errors import InputError

PROMPTS = "Two red boats on a lake beside a small wooden house\nA black cat on a blue sofa and three white cups\n"
PROBE = """
import sys
from eliq_bench.cli import main
try:
    main(sys.argv[1:])
finally:
    print("LOADED", *sorted({"torch", "diffusers", "transformers", "pandas"} & set(sys.modules)))
"""

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text(PROMPTS)
    return path


def test_it_tells_what_is_then_drawn(text_to_image: Path, prompts: Path, tmp_path: Path) -> None:
    out = tmp_path / "drawn"
    words = ["--pipeline", text_to_image, "--prompts", prompts, "--out", out, "--steps", 6, "--per-prompt", 2]
    words += ["--negatives", "low_resolution,few_steps", "--severities", "3", "--device", "cpu"]

    def call(*more: str) -> str:
        done = CliRunner().invoke(generate_command, [*map(str, words), *more], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    told = call("--dry-run")
    assert not out.exists()
    assert "a folder here; steps 6, guidance, pixels of its own" in told
    assert re.findall(r"  (\d+) positives", told) == ["4"]
    assert re.findall(r"  (.*) negatives of (\w+)", told) == [
        ("4", "low_resolution"),
        ("about 4", "few_steps"),
    ]
    assert "about 12 in all" in told
    assert f"{out}/images, listed in {out}/index.csv; none exist yet" in told
    seeds = {int(seed) for seed in re.findall(r"^  (\d+) for ", told, re.MULTILINE)}

    assert "12 images drawn" in call()
    with (out / "index.csv").open(newline="") as file:
        assert seeds < {int(row["seed"]) for row in csv.DictReader(file)}
    before = sorted(path.name for path in out.rglob("*"))
    assert "12 exist" in call("--dry-run")
    assert sorted(path.name for path in out.rglob("*")) == before


def test_it_needs_neither_torch_nor_a_network(prompts: Path, tmp_path: Path) -> None:
    words = ["pairs", "generate", "--pipeline", "Qwen/Qwen-Image", "--prompts", prompts, "--dry-run"]
    words += ["--negatives", "few_steps,edit", "--editor", "some/editor", "--out", tmp_path / "new" / "drawn"]
    command = [sys.executable, "-c", PROBE, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Qwen/Qwen-Image: revision main of the Hub, to be downloaded; steps 50, guidance 4.0" in done.stdout
    assert "some/editor: revision main of the Hub, to be downloaded; steps, guidance" in done.stdout
    assert "pixels 1328x1328" in done.stdout
    assert done.stdout.rstrip().endswith("LOADED")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
@pytest.mark.parametrize("kind", ["file", "below a file", "other index"])
def test_a_place_that_cannot_be_written_is_told_before_a_pipeline_is_fetched(
    kind: str, dry: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("eliq_bench.eliq.generate.locate.locate", lambda given, *_: asked.append(given))
    file = tmp_path / ("index.csv" if kind == "other index" else "taken")
    file.write_text("image,prompt\na.png,a cat\n")
    out = {"file": file, "below a file": file / "drawn", "other index": tmp_path}[kind]
    with pytest.raises(InputError, match=f"{re.escape(str(out))}.*(is a file|choose another --out)"):
        generate_command.main(["--pipeline", "some/where", "--out", str(out), *dry], standalone_mode=False)
    assert asked == []
    assert file.read_text() == "image,prompt\na.png,a cat\n"


@pytest.mark.parametrize(
    ("given", "told"), [("one/two/three", "nor a pipeline on the Hub"), (".", "model_index.json is missing")]
)
def test_a_pipeline_that_cannot_be_one_is_told(given: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        generate_command.main(["--pipeline", given, "--out", str(tmp_path / "out"), "--dry-run"], standalone_mode=False)
