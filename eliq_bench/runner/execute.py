"""Carry out a plan: workers compute, this process writes to the store and reports progress."""

from contextlib import closing
from dataclasses import dataclass

from eliq_bench.runner.plan import ModelSpec, Plan
from eliq_bench.runner.pool import score_tasks
from eliq_bench.runner.store import ScoreRow, ScoreStore
from eliq_bench.types import Progress


@dataclass(frozen=True)
class Resources:
    """What a run may use."""

    device: str
    batch_size: int
    workers: int
    offline: bool


@dataclass
class Spent:
    """Seconds, summed over workers, and how many scores they gave."""

    decode_seconds: float = 0.0
    scoring_seconds: float = 0.0
    computed: int = 0


def execute(
    plan: Plan, specs: list[ModelSpec], store: ScoreStore, resources: Resources, report: Progress
) -> Spent:
    """Compute and store what the plan lacks; whatever ends it early, stored batches stay.

    Raises:
        EliqBenchError: the store cannot be written, or workers keep dying.
    """
    spent = Spent()
    if not plan.tasks:
        return spent
    for spec in specs:
        store.declare(spec.fingerprint)
    total, done = plan.to_compute, 0
    report("scoring", 0, total)
    steps = score_tasks(plan.tasks, specs, resources.workers, resources.batch_size, resources.offline)
    with closing(steps):  # ends the workers whatever happens here
        for step in steps:
            store.add(step.rows)
            spent.decode_seconds += step.decode_seconds
            scores = _per_score(step.rows)
            spent.scoring_seconds += sum(scores.values())
            spent.computed += len(scores)
            done += len(scores)
            report("scoring", done, total)
    return spent


def _per_score(rows: list[ScoreRow]) -> dict[tuple[str, str, str], float]:
    """Seconds by (fingerprint, image, prompt): a model with several dimensions ran once for all of them."""
    return {(row.fingerprint, row.image, row.prompt): row.seconds for row in rows}
