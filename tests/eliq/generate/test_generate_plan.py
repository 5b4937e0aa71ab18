"""Which images a run draws, and what it says of those that it cannot draw."""

import inspect
import shutil
from pathlib import Path

import pytest
import yaml

from eliq_bench.cli.generate import generate as generate_command
from eliq_bench.eliq.degrade import GENERATED_MODES
from eliq_bench.eliq.generate.jobs import COLUMNS, repair
from eliq_bench.eliq.generate.locate import PRESETS, Pipeline, locate
from eliq_bench.eliq.generate.plan import Helpers, Wanted, expand, plan_jobs
from eliq_bench.eliq.generate.run import shares
from eliq_bench.eliq.prompts.entries import Entry
from eliq_bench.errors import InputError
from eliq_bench.io.optional import import_diffusers

CAT = Entry(prompt="A black cat on a blue sofa and three white cups")
MIST = Entry(prompt="Serenity")
CLASSES = {
    "Qwen/Qwen-Image": "QwenImagePipeline",
    "black-forest-labs/FLUX.1-dev": "FluxPipeline",
    "stabilityai/stable-diffusion-3.5-large": "StableDiffusion3Pipeline",
    "Qwen/Qwen-Image-Edit": "QwenImageEditPipeline",
    "black-forest-labs/FLUX.1-Kontext-dev": "FluxKontextPipeline",
}


def generator(name: str, steps: int = 50, guidance: float | None = 4.0) -> Pipeline:
    return Pipeline(name, Path(name), "abc", frozenset(), steps, guidance)


def test_each_prompt_and_generator_gets_its_images_with_seeds_of_their_own() -> None:
    plan = plan_jobs([CAT, MIST], [generator("a"), generator("b")], Wanted(per_prompt=3), Helpers())
    assert len(plan.jobs) == len({job.name for job in plan.jobs}) == 12
    assert len({job.seed for job in plan.jobs}) == 6  # generators share the noise
    other = plan_jobs([CAT, MIST], [generator("a")], Wanted(per_prompt=3, seed=1), Helpers())
    assert not {job.seed for job in plan.jobs} & {job.seed for job in other.jobs}


def test_a_limit_is_spread_over_the_prompts() -> None:
    entries = [Entry(prompt=f"prompt {number}") for number in range(100)]
    plan = plan_jobs(entries, [generator("a")], Wanted(limit=4), Helpers())
    assert [job.prompt for job in plan.jobs] == ["prompt 0", "prompt 25", "prompt 50", "prompt 75"]


def test_every_positive_stands_before_its_negatives_and_each_pipeline_is_loaded_twice_at_most() -> None:
    pair = [generator("a"), generator("b")]
    wanted = Wanted(negatives=("few_steps", "weaker", *expand(["edit"])))
    plan = plan_jobs([CAT, MIST], pair, wanted, Helpers(weaker=pair[0], editor=generator("e")))
    seen: set[str] = set()
    for job in plan.jobs:
        assert not job.negative_of or job.negative_of in seen
        seen.add(job.name)
    changes = [job.pipeline for job in plan.jobs]
    runs = [one for one, before in zip(changes, ["", *changes], strict=False) if one != before]
    assert runs == ["a", "b", "a", "e"]


def test_the_severities_of_a_ladder_grow() -> None:
    wanted = Wanted(negatives=("few_steps", "low_resolution", "perturbed_latents", "extreme_guidance"), per_mode=5)
    jobs = plan_jobs([CAT], [generator("a")], wanted, Helpers()).jobs[1:]
    by_mode = {mode: [job for job in jobs if job.mode == mode] for mode in wanted.negatives}
    assert [job.steps for job in by_mode["few_steps"]] == [20, 14, 10, 6, 3]
    assert [job.scale for job in by_mode["low_resolution"]] == [0.75, 0.6, 0.5, 0.375, 0.25]
    assert [job.latent_noise for job in by_mode["perturbed_latents"]] == [0.2, 0.35, 0.55, 0.8, 1.2]
    assert [job.guidance for job in by_mode["extreme_guidance"]] == [8, 12, 20, 32, 48]


def test_what_cannot_be_made_is_told() -> None:
    distilled = generator("turbo", steps=4, guidance=0.0)
    wanted = Wanted(negatives=("few_steps", "extreme_guidance", "perturbed_prompt"), per_mode=5)
    plan = plan_jobs([MIST], [distilled], wanted, Helpers())
    assert [(job.mode, job.steps) for job in plan.jobs] == [("", 4), ("few_steps", 2), ("few_steps", 1)]
    assert [note.partition(" are")[0] for note in plan.notes] == [
        "5 negatives of extreme_guidance",
        "3 negatives of few_steps",
        "5 negatives of perturbed_prompt",
    ]


def test_devices_share_the_positives_evenly_and_keep_negatives_with_theirs() -> None:
    entries = [Entry(prompt=f"prompt {number}") for number in range(5)]
    wanted = Wanted(negatives=("few_steps", "low_resolution"))
    jobs = plan_jobs(entries, [generator("a")], wanted, Helpers()).jobs
    parts = shares(jobs, 2)
    assert sorted(map(len, parts)) == [6, 9]
    assert sorted(job for part in parts for job in part) == sorted(jobs)
    for part in parts:
        positives = [job.name for job in part if not job.negative_of]
        assert all(job.negative_of in positives for job in part if job.negative_of)
        assert part == [job for job in jobs if job in part]


def test_a_changed_prompt_has_as_many_changes_as_its_severity() -> None:
    wanted = Wanted(negatives=("perturbed_prompt",), per_mode=3, severities=(1, 2, 3))
    texts = [job.drawn_from for job in plan_jobs([CAT], [generator("a")], wanted, Helpers()).jobs]
    assert texts[0] == CAT.prompt
    assert len(set(texts)) == 4


@pytest.mark.parametrize(("mode", "option"), [("weaker", "--weaker"), ("edit_colour", "--editor")])
def test_a_mode_that_needs_another_pipeline_asks_for_it(mode: str, option: str) -> None:
    with pytest.raises(InputError, match=option):
        plan_jobs([CAT], [generator("a")], Wanted(negatives=(mode,)), Helpers())


@pytest.mark.parametrize(("severities", "per_mode"), [((0, 7), 1), ((3, 3), 1), ((), 1), ((1, 2), 3)])
def test_severities_that_cannot_be_drawn_are_refused(severities: tuple[int, ...], per_mode: int) -> None:
    wanted = Wanted(negatives=("few_steps",), severities=severities, per_mode=per_mode)
    with pytest.raises(InputError, match="severities"):
        plan_jobs([CAT], [generator("a")], wanted, Helpers())


def test_a_mode_without_a_wanted_severity_is_told() -> None:
    wanted = Wanted(negatives=("weaker", "few_steps"), severities=(1, 2))
    plan = plan_jobs([CAT], [generator("a")], wanted, Helpers(weaker=generator("b")))
    assert {job.mode for job in plan.jobs} == {"", "few_steps"}
    assert plan.notes == ("No negative of weaker is made: its only severity is 3; name it in --severities.",)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--pipeline", ""], "--pipeline names no pipeline"),
        (["--pipeline", "some/where", "--severities", "0,7"], "not 0, 7."),
        (["--pipeline", "some/where", "--negatives", "few_steps,weaker"], "--weaker"),
        (["--pipeline", "some/where", "--negatives", "edit"], "--editor"),
        (["--pipeline", "some/where", "--negatives", "few_step"], "Did you mean few_steps"),
    ],
)
def test_a_wrong_command_is_refused_before_the_hub_is_asked(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("eliq_bench.eliq.generate.locate.locate", lambda given, *_: asked.append(given))
    with pytest.raises(InputError, match=told):
        generate_command.main([*words, "--out", str(tmp_path)], standalone_mode=False)
    assert asked == []


def test_cards_are_complete() -> None:
    for mode in GENERATED_MODES.values():
        parameters = list(mode.parameters.values())
        values = mode.instructions or (parameters[0] if parameters else ())
        assert len(parameters) <= 1
        assert len(values) == 5 or (not values and len(mode.severities) == 1), mode.name
        assert len(set(values)) == len(values)
    with pytest.raises(InputError, match="Did you mean few_steps"):
        expand(["few_step"])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), CLASSES.items())
def test_presets_use_arguments_that_the_real_pipeline_takes(name: str, kind: str) -> None:
    preset = yaml.safe_load(PRESETS.read_text())[name]
    call = inspect.signature(getattr(import_diffusers(), kind).__call__).parameters
    assert {preset["guidance_argument"], *preset.get("extra", ())} <= call.keys()
    assert "size" not in preset or {"width", "height"} <= call.keys()


def test_all_presets_are_tested() -> None:
    assert set(yaml.safe_load(PRESETS.read_text())) == set(CLASSES)


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model_index\.json is missing"):
        locate(str(tmp_path))


def test_the_identity_of_a_local_pipeline_follows_its_files(text_to_image: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(text_to_image, copy)
    assert locate(str(copy)).revision == locate(str(text_to_image)).revision
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert locate(str(copy)).revision != locate(str(text_to_image)).revision


def test_a_foreign_index_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("image,prompt\na.png,a cat\n")
    with pytest.raises(InputError, match="other columns"):
        repair(tmp_path)
    assert (tmp_path / "index.csv").read_text() == "image,prompt\na.png,a cat\n"


def test_an_index_cut_in_its_head_begins_again(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("name,pro")
    repair(tmp_path)
    assert (tmp_path / "index.csv").read_text() == ",".join(COLUMNS) + "\n"
