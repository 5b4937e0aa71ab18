"""Worker processes: results of every task, the same processes for several rounds, and what happens when one fails."""

import os
import signal

import pytest

from eliq_bench.eliq.pairs.crew import Crew, run_crew
from eliq_bench.errors import EliqBenchError


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_every_task_has_its_result() -> None:
    tasks = [(number, 3) for number in range(20)]
    found = dict(run_crew("operator:pow", tasks, 2))
    assert found == {number: number**3 for number in range(20)}
    assert dict(run_crew("operator:pow", [], 2)) == {}


def test_processes_stay_for_later_rounds_and_end_with_the_crew() -> None:
    with Crew(2) as crew:
        first = {process for _, process in crew.run("os:getpid", [()] * 8)}
        assert list(crew.run("operator:neg", [(5,)])) == [(0, -5)]
        second = {process for _, process in crew.run("os:getpid", [()] * 8)}
        assert len(first) == 2
        assert second <= first
        assert os.getpid() not in first
        assert all(alive(process) for process in first)
    assert not any(alive(process) for process in first)


def test_a_failed_task_names_the_reason_and_ends_the_workers() -> None:
    with Crew(2) as crew:
        own = {process for _, process in crew.run("os:getpid", [()] * 4)}
        results = crew.run("operator:floordiv", [(1, 0), (1, 0)])
        with pytest.raises(EliqBenchError, match="division"):
            list(results)
        assert not any(alive(process) for process in own)


def test_a_dead_worker_is_told() -> None:
    with pytest.raises(EliqBenchError, match="died with code 7"):
        list(run_crew("os:_exit", [(7,)], 1))


def test_a_worker_that_died_between_two_rounds_is_told() -> None:
    with Crew(1) as crew:
        ((_, process),) = crew.run("os:getpid", [()])
        os.kill(process, signal.SIGKILL)
        with pytest.raises(EliqBenchError, match="died with code -9"):
            list(crew.run("os:getpid", [()]))


def test_tasks_left_behind_do_not_hold_up_the_end() -> None:
    with Crew(2) as crew:
        own = {process for _, process in crew.run("os:getpid", [()] * 4)}
        results = crew.run("time:sleep", [(0,), (600,), (600,)])
        assert next(results) == (0, None)
    assert not any(alive(process) for process in own)


def test_control_c_does_not_reach_the_workers() -> None:
    """A terminal sends it to the caller's group of processes; workers there would each print where they were."""
    ((_, group),) = run_crew("os:getpgrp", [()], 1)
    assert group != os.getpgrp()
