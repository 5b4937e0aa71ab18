"""A wrong command is answered before a dataset is opened, and leaves nothing behind."""

import json
from pathlib import Path

import pytest

import eliq_bench.evaluation.assemble
from eliq_bench.cli import main
from eliq_bench.datasets import ladder
from eliq_bench.errors import InputError
from eliq_bench.evaluation.evaluate import Resampling
from eliq_bench.io.write import check_writable, write_whole
from eliq_bench.results.records import Results
from eliq_bench.runner.session import Scored

IMPORT = ("--origin", "a paper", "--supervision", "training-free", "--out", "imported")


pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, in which the ladder must not be built."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def refuse(*_: object) -> Path:
        raise AssertionError("the ladder was opened")

    monkeypatch.setattr(ladder, "ensure_built", refuse)
    return folder


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--models", "clipiq"), "Did you mean clipiqa"),
        (("run", "--models", "clipiq", "--dry-run"), "Did you mean clipiqa"),
        (("run", "--models", "luma", "--model-args", "luma.size=3"), "no option 'size'"),
        (("run", "--models", "luma", "--model-args", "piqe.size=3"), "not among the models"),
        (("run", "--models", "luma", "--protocol", "probe"), "gives no features"),
        (("run", "--models", "luma", "--device", "gpu"), "Unknown device"),
        (("run", "--models", "luma", "--device", "gpu", "--dry-run"), "Unknown device"),
        (("run", "--models", "luma", "--datasets", "ladder,agiqa3"), "Did you mean agiqa3k"),
        (("run", "--models", "luma", "--datasets", "ladder,none.csv"), "none.csv does not exist"),
        (("run", "--models", "luma", "--out", "/proc/1/x"), "choose another --out"),
        (("score", "../pictures", "--models", "clipiq"), "Did you mean clipiqa"),
        (("score", "../pictures", "--models", "luma", "--out", "none/s.csv"), "does not exist"),
        (
            ("import-scores", "../s.csv", "--dataset", "ladder", "--dimension", "appeal", *IMPORT),
            "not appeal",
        ),
    ],
)
def test_nothing_is_opened_and_nothing_is_left(
    words: tuple[str, ...],
    message: str,
    empty_folder: Path,
    pictures: Path,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (pictures.parent / "s.csv").write_text("image,mine\na.png,1\n")
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(empty_folder.iterdir())
    assert not (cache / "datasets").exists()


def test_a_run_that_fails_on_its_data_leaves_no_folder(empty_folder: Path, own_table: Path) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--models", "prompt-words", "--datasets", str(own_table)])
    assert not list(empty_folder.iterdir())


def test_another_run_is_replaced_only_on_request(
    empty_folder: Path, own_table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(models: str, *words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["run", "--models", models, "--datasets", str(own_table), "--out", "out", "--workers", "1", *words])
        return int(ended.value.code or 0), capsys.readouterr().err

    results = empty_folder / "out" / "results.json"
    assert run("sharpness,contrast")[0] == 0
    first = results.read_bytes()
    code, message = run("sharpness")
    assert (code, results.read_bytes()) == (2, first)
    assert "holds another run (models there: contrast, sharpness; here: sharpness)" in message
    assert "--overwrite" in message
    code, message = run("sharpness,contrast", "--limit", "6")
    assert code == 2
    assert "datasets there: own; here: own 6 of 12" in message
    assert run("contrast,sharpness")[0] == 0
    assert run("sharpness", "--overwrite")[0] == 0
    results.write_text("{}")
    code, message = run("sharpness")
    assert code == 2
    assert "is not a result of schema" in message
    assert results.read_text() == "{}"


def test_a_folder_is_checked_without_being_created_and_created_by_the_first_file(empty_folder: Path) -> None:
    folder = empty_folder / "a" / "b"
    check_writable(folder)
    assert not list(empty_folder.iterdir())
    write_whole(folder / "c.txt", lambda path: path.write_text("c"), "try again")
    assert [path.name for path in folder.iterdir()] == ["c.txt"]
    with pytest.raises(InputError, match=r"c\.txt is a file; give a folder"):
        check_writable(folder / "c.txt")
    with pytest.raises(InputError, match="choose another --out"):
        check_writable(folder / "c.txt" / "d")


def test_of_two_runs_that_began_together_the_second_loses_no_work(
    empty_folder: Path, own_table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is saved while the second computes; then a third finds all scores of the second in the store."""
    words = ["run", "--datasets", str(own_table), "--workers", "1", "--models"]
    assemble = eliq_bench.evaluation.assemble.assemble

    def overtaken(scored: Scored, resampling: Resampling) -> Results:
        monkeypatch.setattr(eliq_bench.evaluation.assemble, "assemble", assemble)
        with pytest.raises(SystemExit):
            main([*words, "contrast", "--out", "out"])
        return assemble(scored, resampling)

    monkeypatch.setattr(eliq_bench.evaluation.assemble, "assemble", overtaken)
    with pytest.raises(SystemExit) as ended:
        main([*words, "sharpness", "--out", "out"])
    message = capsys.readouterr().err
    assert ended.value.code
    assert "out holds another run (models there: contrast; here: sharpness)" in message
    assert "scores are kept in the store" in message
    assert json.loads((empty_folder / "out" / "results.json").read_text())["models"][0]["name"] == "contrast"
    with pytest.raises(SystemExit):
        main([*words, "sharpness", "--dry-run"])
    assert "12 stored" in capsys.readouterr().out
