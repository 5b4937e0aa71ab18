"""What the commands of training say about pairs and recipes that are not there, before anything is computed."""

from pathlib import Path

import pytest

from eliq_bench.cli import main

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
COMMANDS = {"train": "lite.yaml", "ablate": "lite.yaml", "train-mllm": "mllm-instruct.yaml"}


def refusal(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The sentence with which a command ends."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == 2
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("images", [True, False])
def test_a_missing_manifest_is_named_first(
    command: str, images: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [command, "--recipe", RECIPES / COMMANDS[command], "--out", tmp_path / "out"]
    words += ["--images", tmp_path] if images else []
    for pairs in (tmp_path / "nowhere", tmp_path):
        assert refusal(capsys, *words, "--pairs", pairs) == (
            f"Error: There is no manifest of pairs at {pairs}; build one with `eliq-bench pairs build`."
        )


def test_a_file_that_is_no_manifest_is_not_asked_where_its_images_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "pairs.csv"
    wrong.write_text("image\n")
    words = ("train", "--recipe", RECIPES / "lite.yaml", "--pairs", wrong, "--out", tmp_path / "out")
    assert f"{wrong} is not a readable manifest of pairs" in refusal(capsys, *words)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_recipe_is_named(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (command, "--recipe", tmp_path / "no.yaml", "--pairs", tmp_path, "--out", tmp_path / "out")
    assert refusal(capsys, *words) == f"Error: There is no recipe at {tmp_path / 'no.yaml'}."


@pytest.mark.parametrize(("old", "new"), [("instruct", "train-mllm"), ("project", "train-projection")])
def test_old_names_of_commands_still_work_and_are_hidden(
    old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    helps = []
    for name in (old, new):
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        helps.append(capsys.readouterr().out.replace(f"eliq-bench {name} [", ""))
    assert helps[0] == helps[1]
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert new in commands
    assert old not in commands
