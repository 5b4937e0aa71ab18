"""Which images to draw: positives for every prompt and generator, then their negatives."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eliq_bench.eliq.degrade import SEVERITIES
from eliq_bench.eliq.generate.jobs import Job
from eliq_bench.eliq.generate.locate import Located
from eliq_bench.eliq.generate.modes import Card, get_card
from eliq_bench.eliq.pairs.settings import check_severities
from eliq_bench.eliq.prompts.entries import Entry
from eliq_bench.eliq.prompts.perturb import perturbed
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import InputError


class Wanted(NamedTuple):
    """What a user asks for; None takes what the pipeline is made for."""

    steps: int | None = None
    """Of every pipeline; guidance and size are of those that draw positives."""
    guidance: float | None = None
    size: tuple[int, int] | None = None
    """(width, height) in pixels."""
    dtype: str = "float32"
    """`auto` is that of the pipeline."""
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

    weaker: Located | None = None
    editor: Located | None = None


class Plan(NamedTuple):
    """What is to be drawn; a positive stands before its negatives, which take their size from it."""

    jobs: tuple[Job, ...]
    notes: tuple[str, ...]
    """Sentences on negatives that cannot be made."""


def plan_jobs(
    entries: Sequence[Entry], generators: Sequence[Located], wanted: Wanted, helpers: Helpers
) -> Plan:
    """Every image of a run; a pure function of the arguments.

    Raises:
        InputError: see `check_wanted`.
    """
    check_wanted(wanted, helpers.weaker is not None, helpers.editor is not None)
    cards = [get_card(name) for name in wanted.negatives]
    positives = [
        (entry, generator, _positive(entry, generator, number, wanted))
        for generator in generators
        for entry in _spread(entries, wanted.limit)
        for number in range(wanted.per_prompt)
    ]
    negatives: list[Job] = []
    lacking: Counter[str] = Counter()
    for entry, _, positive in positives:
        for card in cards:
            for severity in _severities(card, positive, wanted):
                made = _negative(card, severity, positive, entry, wanted, helpers)
                if made is None:
                    lacking[card.name] += 1
                else:
                    negatives.append(made)
    notes = [
        f"{count:,} negatives of {name} are not made: {WHY[name]}." for name, count in sorted(lacking.items())
    ]
    notes += [
        f"No negative of {card.name} is made: its only severity is {' or '.join(map(str, card.severities))}; name it "
        "in --severities."
        for card in cards
        if not set(card.severities) & set(wanted.severities)
    ]
    return Plan(_ordered([job for _, _, job in positives], negatives), tuple(notes))


WHY = {
    "few_steps": "the positive has too few steps to take so many away",
    "extreme_guidance": "the pipeline works without guidance",
    "perturbed_prompt": "the prompt does not state so many facts that can be changed",
}


def _ordered(positives: Sequence[Job], negatives: Sequence[Job]) -> tuple[Job, ...]:
    """Each pipeline's positives and their own negatives in one go, then what others make of all positives."""
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
    """Refuse what no pipeline could draw, so that none need be found or downloaded first.

    Args:
        wanted: what a user asks for.
        weaker: whether a pipeline of weaker images is given.
        editor: whether an editing pipeline is given.

    Raises:
        InputError: a mode is unknown or needs a pipeline that is not given, or the severities are wrong.
    """
    check_severities(wanted.severities, wanted.per_mode)
    for card in map(get_card, wanted.negatives):
        if card.name == "weaker" and not weaker:
            raise InputError("Negatives of a weaker generator need one; name it with --weaker.")
        if card.instructions and not editor:
            raise InputError(f"Negatives of {card.name} need an editing pipeline; name it with --editor.")


def _spread(entries: Sequence[Entry], limit: int | None) -> Iterator[Entry]:
    total = len(entries)
    count = total if limit is None else min(limit, total)
    return (entries[at * total // count] for at in range(count))


def _positive(entry: Entry, generator: Located, number: int, wanted: Wanted) -> Job:
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


def _severities(card: Card, positive: Job, wanted: Wanted) -> list[int]:
    """Drawn for this positive and mode; a mode of one severity has that one, if it is wanted at all."""
    offered = [level for level in wanted.severities if level in card.severities]
    ranked = sorted(offered, key=lambda level: seeded_number(wanted.seed, positive.name, card.name, level))
    return sorted(ranked[: wanted.per_mode])


def _negative(
    card: Card, severity: int, positive: Job, entry: Entry, wanted: Wanted, helpers: Helpers
) -> Job | None:
    """The recipe of a negative; None where the positive does not allow it."""
    job = positive._replace(negative_of=positive.name, mode=card.name, severity=severity)
    if card.name == "weaker" and helpers.weaker:
        return _by_another(job, helpers.weaker, wanted)
    if card.instructions and helpers.editor:
        told = card.instructions[severity - 1]
        return _by_another(job, helpers.editor, wanted)._replace(drawn_from=told, edits=True)
    value = card.parameters[severity - 1]
    if card.name == "few_steps":
        return _few_steps(job, card)
    if card.name == "low_resolution":
        return job._replace(scale=value)
    if card.name == "perturbed_latents":
        return job._replace(latent_noise=value)
    if card.name == "extreme_guidance":
        return job._replace(guidance=job.guidance * value) if job.guidance else None
    text = perturbed(entry, int(value), seeded_number(wanted.seed, positive.name, card.name))
    return None if text is None else job._replace(drawn_from=text)


def _few_steps(job: Job, card: Card) -> Job | None:
    """With fewer steps than the positive and than the next milder severity: else it would not be worse."""
    steps = [job.steps, *(max(1, round(share * job.steps)) for share in card.parameters)]
    fewer = steps[job.severity] < steps[job.severity - 1]
    return job._replace(steps=steps[job.severity]) if fewer else None


def _by_another(job: Job, other: Located, wanted: Wanted) -> Job:
    return job._replace(
        pipeline=other.name,
        revision=other.revision,
        steps=wanted.steps or other.steps,
        guidance=other.guidance,
        size=other.size,
        dtype=other.dtype if wanted.dtype == "auto" else wanted.dtype,
    )
