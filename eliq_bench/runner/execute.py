"""Carry out a plan: workers compute, this process writes to the store and reports progress."""

import os
import socket
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from eliq_bench.errors import EliqBenchError
from eliq_bench.io.workers import Failure, WorkerPool
from eliq_bench.io.write import scratch_folder
from eliq_bench.models.weights import ONLY_WEIGHTS
from eliq_bench.runner.plan import ModelSpec, Plan, Task, Want
from eliq_bench.runner.scoring import ChunkScorer, ScoringStep, failed_rows
from eliq_bench.runner.store import ScoreRow, ScoreStore, prompt_key
from eliq_bench.types import Progress

PROBE_EVERY = 20
"""After so many deaths a plain picture is scored, to tell images that kill from a machine on which nothing works."""

_scorer: ChunkScorer
"""Of a worker process, see `_start_scorer`."""


def score_tasks(
    tasks: list[Task], specs: list[ModelSpec], workers: int, batch_size: int, offline: bool
) -> Generator[ScoringStep, None, None]:
    """Steps in the order of completion, until every want of every task has its rows.

    What a failed chunk has not given is computed again image by image; an image that fails alone becomes error rows.
    However many do, the others are scored.

    Raises:
        EliqBenchError: workers die even on a plain picture.
    """
    chunks = [tasks[at : at + batch_size] for at in range(0, len(tasks), batch_size)]
    failures = 0
    with _pool(workers, specs, batch_size, offline) as pool:
        while chunks:
            alone: list[list[Task]] = []
            for position, found in pool.stream(_score_chunk, [(chunk,) for chunk in chunks]):
                if not isinstance(found, Failure):
                    yield found
                    continue
                failures += 1
                if failures % PROBE_EVERY == 0:
                    _probe(specs, offline, failures)
                rest = _unfinished(chunks[position], specs, found.results)
                if len(chunks[position]) == 1:
                    yield from (_failed(task, specs, str(found.error)) for task in rest)
                else:
                    alone += [[task] for task in rest]
            chunks = alone


def _pool(workers: int, specs: list[ModelSpec], batch_size: int, offline: bool) -> WorkerPool:
    threads = max(1, (os.cpu_count() or 1) // workers)
    start = partial(_start_scorer, specs, batch_size, offline)
    return WorkerPool(workers, threads, _environment(offline), start)


def _probe(specs: list[ModelSpec], offline: bool, failures: int) -> None:
    """Score a plain picture with every model.

    Raises:
        EliqBenchError: the worker died of it.
    """
    from PIL import Image

    wants = tuple(Want(position, spec.prompt("a photograph")) for position, spec in enumerate(specs))
    side = max(256, *(spec.card.min_side for spec in specs))
    with scratch_folder() as folder, _pool(1, specs, 1, offline) as pool:
        plain = folder / "plain.png"
        Image.linear_gradient("L").resize((side, side)).save(plain)
        for _, found in pool.stream(_score_chunk, [([Task("plain", plain, wants)],)]):
            if isinstance(found, Failure):
                raise EliqBenchError(
                    f"{failures} worker processes died, and one on a plain picture too: {found.error}. Finished scores "
                    "are kept; try fewer --workers, or leave out a model."
                )


def _unfinished(chunk: list[Task], specs: list[ModelSpec], given: Sequence[ScoringStep]) -> list[Task]:
    """The tasks of a chunk with the wants that have no row yet."""
    done = {(row.fingerprint, row.image, row.prompt) for step in given for row in step.rows}
    left = []
    for task in chunk:
        wants = tuple(
            want
            for want in task.wants
            if (specs[want.model].fingerprint.digest, task.image, prompt_key(want.prompt)) not in done
        )
        if wants:
            left.append(Task(task.image, task.path, wants))
    return left


def _failed(task: Task, specs: list[ModelSpec], reason: str) -> ScoringStep:
    return ScoringStep(
        [row for want in task.wants for row in failed_rows(specs[want.model], want, task.image, "error", reason)]
    )


def _environment(offline: bool) -> dict[str, str]:
    """Variables of the workers, chiefly for memory that is kept rather than returned, and against code in weights.

    By default glibc maps every tensor of some megabytes afresh and the kernel clears its pages; keeping the
    memory makes pyiqa's NIQE more than twice as fast (`benchmarks/README.md`).
    """
    variables = {
        "OMP_WAIT_POLICY": "PASSIVE",  # an idle thread that spins takes the core of another worker
        "MALLOC_MMAP_THRESHOLD_": str(2**30),
        "MALLOC_TRIM_THRESHOLD_": str(2**31),
        **ONLY_WEIGHTS,
    }
    return variables | ({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"} if offline else {})


def _start_scorer(specs: list[ModelSpec], batch_size: int, offline: bool) -> None:
    """Prepare a worker process for these models."""
    global _scorer
    if offline:
        _forbid_network()
    _scorer = ChunkScorer(specs, batch_size)


def _score_chunk(tasks: list[Task]) -> Iterator[ScoringStep]:
    """Score a chunk in a worker process."""
    return _scorer.score(tasks)


def _forbid_network() -> None:
    """Make every attempt to reach another machine fail with a sentence."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            raise EliqBenchError(f"offline: a connection to {address} was refused")
        connect(self, address)  # to a process on this machine

    # mypy forbids to replace a method; that no library can go around it is the point here
    socket.socket.connect = refuse  # type: ignore[assignment,method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[assignment,method-assign]


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


def execute(plan: Plan, specs: list[ModelSpec], store: ScoreStore, resources: Resources, report: Progress) -> Spent:
    """Compute and store what the plan lacks; whatever ends it early, stored batches stay.

    Raises:
        EliqBenchError: the store cannot be written, or workers die even on a plain picture.
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
