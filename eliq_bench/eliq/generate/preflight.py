"""What `pairs generate` would draw, without drawing, as the text of `--dry-run`; no torch, no diffusers."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from eliq_bench.eliq.generate.jobs import FOLDER, INDEX_FILE, Job, check_folder, whole_lines
from eliq_bench.eliq.generate.locate import INDEX, Pipeline, preset
from eliq_bench.eliq.generate.plan import REASONS, DrawingPlan, Helpers, Wanted, plan_jobs
from eliq_bench.eliq.prompts.entries import Entry
from eliq_bench.errors import InputError
from eliq_bench.io.hub import cached_file, path_or_repository

STEPS, GUIDANCE = 50, 5.0
"""Assumed where only the pipeline itself knows: with them every severity can be drawn."""
SHOWN = 3
"""Number of seeds listed."""


def preflight(
    entries: Sequence[Entry],
    given: Sequence[str],
    revision: str | None,
    wanted: Wanted,
    weaker: str | None,
    editor: str | None,
    out: Path,
) -> str:
    """Pipelines, numbers of images, seeds and place of a run; nothing is fetched, drawn or written.

    Args:
        entries: the prompts.
        given: ids on the Hub or folders of the pipelines that draw positives.
        revision: of the pipeline, if it is one.
        wanted: what a user asks for.
        weaker: pipeline of the negatives of mode weaker.
        editor: pipeline of the edits.
        out: folder for the images.

    Raises:
        InputError: a folder is no pipeline, or `out` is a file, cannot be written or holds something else.
    """
    check_folder(out)
    helpers = [one for one in (weaker, editor) if one]
    assumed = {one: _assumed(one) for one in (*given, *helpers)}
    plan = plan_jobs(
        entries,
        [assumed[one] for one in given],
        wanted,
        Helpers(assumed[weaker] if weaker else None, assumed[editor] if editor else None),
    )
    lines = ["Pipelines"]
    lines += [f"  {one}: {_place(one, revision)}; {_calling(one, wanted)}" for one in given]
    lines += [f"  {one}: {_place(one, None)}; {_calling(one, Wanted(wanted.steps))}" for one in helpers]
    lines += ["Images", *_numbers(plan), "Seeds", *_seeds(plan, wanted), "Place"]
    lines.append(f"  {out / FOLDER}, listed in {out / INDEX_FILE}; {_already_drawn(out)}")
    return "\n".join([*lines, *(f"Note: {note}" for note in plan.notes)])


def _assumed(given: str) -> Pipeline:
    """What is known of a pipeline without its files."""
    calling = {"steps": STEPS, "guidance": GUIDANCE, **preset(given)}
    return Pipeline(given, Path(given), "", frozenset(), calling["steps"], calling["guidance"])


def _place(given: str, revision: str | None) -> str:
    """Where the files of a pipeline are."""
    source = path_or_repository("pipeline", given, revision)
    if isinstance(source, Path):
        if not (source / INDEX).is_file():
            raise InputError(f"{given} is no pipeline of diffusers: its {INDEX} is missing.")
        return "a folder here"
    at = f"revision {source.revision or 'main'} of the Hub"
    return f"{at}, in the cache" if cached_file(source, INDEX) else f"{at}, to be downloaded"


def _calling(given: str, wanted: Wanted) -> str:
    known = preset(given)
    size = wanted.size or known.get("size")
    parts = {
        "steps": wanted.steps or known.get("steps"),
        "guidance": known.get("guidance") if wanted.guidance is None else wanted.guidance,
        "pixels": "x".join(map(str, size)) if size else None,
    }
    known_parts = ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)
    own = ", ".join(name for name, value in parts.items() if value is None)
    return ", ".join(part for part in (known_parts, own and f"{own} of its own") if part)


def _numbers(plan: DrawingPlan) -> list[str]:
    """A line for each pipeline and mode, and the sum."""

    def line(count: int, what: str, sure: bool) -> str:
        return f"  {'' if sure else 'about '}{count:,} {what}"

    counts = Counter((job.mode, job.pipeline) for job in plan.jobs)
    lines = [
        line(count, f"{f'negatives of {mode}' if mode else 'positives'} by {pipeline}", mode not in REASONS)
        for (mode, pipeline), count in counts.items()
    ]
    sure = not any(mode in REASONS for mode, _ in counts)
    return [*lines, line(len(plan.jobs), "in all", sure)]


def _seeds(plan: DrawingPlan, wanted: Wanted) -> list[str]:
    """The seeds of the first positives; they do not depend on the pipeline."""
    seeds = {job.seed: job for job in plan.jobs if not job.negative_of}
    first: list[Job] = list(seeds.values())[:SHOWN]
    lines = [f"  {len(seeds):,} from --seed {wanted.seed}; a negative has that of its positive"]
    return lines + [f"  {job.seed} for {job.prompt!r}" for job in first]


def _already_drawn(out: Path) -> str:
    rows = max(0, whole_lines(out).count(b"\n") - 1)
    return f"{rows:,} exist, those of the same recipe are kept" if rows else "none exist yet"
