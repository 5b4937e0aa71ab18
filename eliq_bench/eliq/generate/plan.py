"""Which images to draw: positives for every prompt and generator, then their negatives."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eliq_bench.eliq.degrade import GENERATED_MODES, SEVERITIES, Mode, get_mode
from eliq_bench.eliq.generate.jobs import Job
from eliq_bench.eliq.generate.locate import Pipeline
from eliq_bench.eliq.pairs.settings import check_severities
from eliq_bench.eliq.prompts.entries import Entry
from eliq_bench.eliq.prompts.perturb import perturbed
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import InputError


class Wanted(NamedTuple):
    """What a user asks for; None takes the defaults of the pipeline."""

    steps: int | None = None
    """Applies to every pipeline; guidance and size apply to those that draw positives."""
    guidance: float | None = None
    size: tuple[int, int] | None = None
    """(width, height) in pixels."""
    dtype: str = "float32"
    """`auto` takes that of the pipeline."""
    seed: int = 0
    per_prompt: int = 1
    limit: int | None = None
    """Number of prompts, spread evenly over the list."""
    negatives: tuple[str, ...] = ()
    """Names of modes."""
    severities: tuple[int, ...] = SEVERITIES
    per_mode: int = 1
    """Severities drawn per positive and mode."""


class Helpers(NamedTuple):
    """Pipelines that only make negatives."""

    weaker: Pipeline | None = None
    editor: Pipeline | None = None


class DrawingPlan(NamedTuple):
    """The images to draw; a positive comes before its negatives, which take their size from it."""

    jobs: tuple[Job, ...]
    notes: tuple[str, ...]
    """Sentences on negatives that cannot be made."""


EDIT = "edit"
"""Asks for all kinds of edits; each kind is a mode of its own, `edit_` and the kind."""


def expand(names: Sequence[str]) -> tuple[str, ...]:
    """Names of generated modes, `edit` replaced by every kind of edit; each once.

    Raises:
        InputError: no mode has this name.
    """
    edits = [name for name in GENERATED_MODES if name.startswith(f"{EDIT}_")]
    modes = [mode for name in names for mode in (edits if name == EDIT else [get_mode(name, GENERATED_MODES).name])]
    return tuple(dict.fromkeys(modes))


def plan_jobs(
    entries: Sequence[Entry], generators: Sequence[Pipeline], wanted: Wanted, helpers: Helpers
) -> DrawingPlan:
    """Every image of a run; a pure function of the arguments.

    Raises:
        InputError: see `check_wanted`.
    """
    check_wanted(wanted, helpers.weaker is not None, helpers.editor is not None)
    modes = [GENERATED_MODES[name] for name in wanted.negatives]
    positives = [
        (entry, generator, _positive(entry, generator, number, wanted))
        for generator in generators
        for entry in _spread(entries, wanted.limit)
        for number in range(wanted.per_prompt)
    ]
    negatives: list[Job] = []
    impossible: Counter[str] = Counter()
    for entry, _, positive in positives:
        for mode in modes:
            for severity in _severities(mode, positive, wanted):
                negative = _negative(mode, severity, positive, entry, wanted, helpers)
                if negative is None:
                    impossible[mode.name] += 1
                else:
                    negatives.append(negative)
    notes = [
        f"{count:,} negatives of {name} are not made: {REASONS[name]}." for name, count in sorted(impossible.items())
    ]
    notes += [
        f"No negative of {mode.name} is made: its only severity is {' or '.join(map(str, mode.severities))}; name it "
        "in --severities."
        for mode in modes
        if not set(mode.severities) & set(wanted.severities)
    ]
    return DrawingPlan(_ordered([job for _, _, job in positives], negatives), tuple(notes))


REASONS = {
    "few_steps": "the positive has too few steps to take so many away",
    "extreme_guidance": "the pipeline works without guidance",
    "perturbed_prompt": "the prompt does not state so many facts that can be changed",
}


def _ordered(positives: Sequence[Job], negatives: Sequence[Job]) -> tuple[Job, ...]:
    """Each pipeline's positives with their own negatives, then the negatives that other pipelines draw."""
    drawn_by = {job.name: (job.pipeline, job.revision) for job in positives}
    places: dict[tuple[str, str], int] = {}
    for job in (*positives, *negatives):
        places.setdefault((job.pipeline, job.revision), len(places))

    def key(job: Job) -> tuple[bool, int, bool]:
        by = (job.pipeline, job.revision)
        foreign = bool(job.negative_of) and drawn_by[job.negative_of] != by
        return foreign, places[by], bool(job.negative_of)

    return tuple(sorted((*positives, *negatives), key=key))


def check_wanted(wanted: Wanted, weaker: bool, editor: bool) -> None:
    """Refuse what no pipeline could draw, before any is located or downloaded.

    Args:
        wanted: what a user asks for.
        weaker: whether a pipeline of weaker images is given.
        editor: whether an editing pipeline is given.

    Raises:
        InputError: a mode is unknown or needs a pipeline that is not given, or the severities are wrong.
    """
    check_severities(wanted.severities, wanted.per_mode)
    for mode in (get_mode(name, GENERATED_MODES) for name in wanted.negatives):
        if mode.name == "weaker" and not weaker:
            raise InputError("Negatives of a weaker generator need one; name it with --weaker.")
        if mode.instructions and not editor:
            raise InputError(f"Negatives of {mode.name} need an editing pipeline; name it with --editor.")


def _spread(entries: Sequence[Entry], limit: int | None) -> Iterator[Entry]:
    total = len(entries)
    count = total if limit is None else min(limit, total)
    return (entries[at * total // count] for at in range(count))


def _positive(entry: Entry, generator: Pipeline, number: int, wanted: Wanted) -> Job:
    return Job(
        prompt=entry.prompt,
        drawn_from=entry.prompt,
        pipeline=generator.name,
        revision=generator.revision,
        seed=seeded_number(wanted.seed, entry.prompt, number),
        steps=wanted.steps or generator.steps,
        guidance=generator.guidance if wanted.guidance is None else wanted.guidance,
        size=wanted.size or generator.size,
        dtype=generator.dtype if wanted.dtype == "auto" else wanted.dtype,
    )


def _severities(mode: Mode, positive: Job, wanted: Wanted) -> list[int]:
    """Drawn for this positive and mode; a mode of one severity has that one, if it is wanted at all."""
    offered = [level for level in wanted.severities if level in mode.severities]
    ranked = sorted(offered, key=lambda level: seeded_number(wanted.seed, positive.name, mode.name, level))
    return sorted(ranked[: wanted.per_mode])


def _negative(mode: Mode, severity: int, positive: Job, entry: Entry, wanted: Wanted, helpers: Helpers) -> Job | None:
    """The recipe of a negative; None where the positive does not allow it."""
    job = positive._replace(negative_of=positive.name, mode=mode.name, severity=severity)
    if mode.name == "weaker" and helpers.weaker:
        return _by_another(job, helpers.weaker, wanted)
    if mode.instructions and helpers.editor:
        instruction = mode.instructions[severity - 1]
        return _by_another(job, helpers.editor, wanted)._replace(drawn_from=instruction, edits=True)
    (value,) = mode.settings(severity).values()
    if mode.name == "few_steps":
        return _few_steps(job, mode)
    if mode.name == "low_resolution":
        return job._replace(scale=value)
    if mode.name == "perturbed_latents":
        return job._replace(latent_noise=value)
    if mode.name == "extreme_guidance":
        return job._replace(guidance=job.guidance * value) if job.guidance else None
    text = perturbed(entry, int(value), seeded_number(wanted.seed, positive.name, mode.name))
    return None if text is None else job._replace(drawn_from=text)


def _few_steps(job: Job, mode: Mode) -> Job | None:
    """With fewer steps than the positive and than the next milder severity: else it would not be worse."""
    (shares,) = mode.parameters.values()
    steps = [job.steps, *(max(1, round(share * job.steps)) for share in shares)]
    fewer = steps[job.severity] < steps[job.severity - 1]
    return job._replace(steps=steps[job.severity]) if fewer else None


def _by_another(job: Job, other: Pipeline, wanted: Wanted) -> Job:
    return job._replace(
        pipeline=other.name,
        revision=other.revision,
        steps=wanted.steps or other.steps,
        guidance=other.guidance,
        size=other.size,
        dtype=other.dtype if wanted.dtype == "auto" else wanted.dtype,
    )
