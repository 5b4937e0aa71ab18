"""Whether it is still the same benchmark: items, labels, groups and image contents."""

from dataclasses import dataclass
from typing import Literal

from eliq_bench.errors import first_names, plural
from eliq_bench.report.check.baseline import CONTENT_DIGITS, BaselineItems, group_digest, label_digests
from eliq_bench.report.check.findings import Finding
from eliq_bench.results.folder import Run
from eliq_bench.types import ItemTable


@dataclass(frozen=True)
class SharedItems:
    """The items that baseline and run both hold, image contents unchanged as far as both know them."""

    names: list[str]
    before: list[int]
    """(n,) positions in the baseline."""
    now: list[int]
    """(n,) positions in the run."""
    labelled: frozenset[str]
    """Dimensions whose labels are the same, so that SRCC can be compared."""


def check_dataset(baseline: BaselineItems, run: Run) -> tuple[SharedItems, list[Finding]]:
    """What can be compared on a dataset, and what is no longer the same."""
    table = run.tables[baseline.record.name]
    place = {name: position for position, name in enumerate(table.items.name)}
    changed = _changed_images(baseline, table, place)
    kept = [
        (position, name)
        for position, name in enumerate(baseline.names)
        if name in place and name not in changed
    ]
    labels, problems = _labels(baseline, run, table)
    problems = [*_items(baseline, place), *_images(changed), *problems]
    shared = SharedItems(
        names=[name for _, name in kept],
        before=[position for position, _ in kept],
        now=[place[name] for _, name in kept],
        labelled=labels,
    )
    kind: Literal["dataset revision"] = "dataset revision"
    return shared, [Finding(kind=kind, fails=True, text=text, dataset=table.dataset) for text in problems]


def _items(baseline: BaselineItems, place: dict[str, int]) -> list[str]:
    gone = [name for name in baseline.names if name not in place]
    fresh = sorted(place.keys() - set(baseline.names), key=place.__getitem__)
    parts = [f"{plural(len(gone), 'item')} of the baseline gone ({first_names(gone)})"] if gone else []
    parts += [f"{plural(len(fresh), 'item')} new ({first_names(fresh)})"] if fresh else []
    return [f"another set of items: {', '.join(parts)}"] if parts else []


def _changed_images(baseline: BaselineItems, table: ItemTable, place: dict[str, int]) -> list[str]:
    """Names of images whose bytes differ; where one side had no image, nothing can be said."""
    return [
        name
        for name, content in baseline.content.items()
        if name in place
        and content
        and table.sha256[place[name]]
        and table.sha256[place[name]][:CONTENT_DIGITS] != content
    ]


def _images(changed: list[str]) -> list[str]:
    if not changed:
        return []
    return [f"{plural(len(changed), 'image')} with other bytes than in the baseline: {first_names(changed)}"]


def _labels(baseline: BaselineItems, run: Run, table: ItemTable) -> tuple[frozenset[str], list[str]]:
    """Dimensions with the same labels, and what differs about labels and groups."""
    record = run.results.dataset(table.dataset)
    files_differ = record.label_sha256 != baseline.record.label_sha256
    same_items = set(baseline.names) == set(table.items.name)
    problems = []
    if files_differ:
        problems.append("another label file (its sha256 differs)")
    now = label_digests(table)
    same = set()
    for dimension, digest in baseline.record.labels.items():
        if dimension not in now:
            problems.append(f"no {dimension} labels any more")
        elif now[dimension] == digest or (not same_items and not files_differ):
            same.add(dimension)
        elif same_items:
            problems.append(f"other {dimension} labels than in the baseline")
    if same_items and group_digest(table) != baseline.record.groups:
        problems.append("other groups than in the baseline")
    return frozenset(same), problems
