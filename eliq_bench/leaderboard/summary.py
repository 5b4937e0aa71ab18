"""A table summarised in sentences: the best model, its lead, the distance to floor and ceiling."""

from eliq_bench.evaluation.evaluate import ALPHA
from eliq_bench.io.numbers import chance, interval, probability
from eliq_bench.leaderboard.board import Board, BoardPair, BoardRow, BoardTable
from eliq_bench.leaderboard.cells import is_label_free, signed, with_interval

CLOSE = 0.15
"""A score made for another dimension is worth a sentence if it comes so near to the best model."""


def summarise(board: Board, table: BoardTable) -> list[str]:
    """Sentences about one table, most important first; every number in them is in the table too."""
    models = [row for row in table.rows if is_label_free(row) and row.srcc is not None]
    sentences = _best(board, table, models)
    if models:
        sentences += _next(table, models)
    best = models[0] if models else best_trivial(table)
    if best is not None:
        sentences += _floors(table, best, models)
        sentences += _ceiling(table, best)
    sentences += _trained(table, models)
    sentences += _controls(board, table, models)
    return sentences


def _best(board: Board, table: BoardTable, models: list[BoardRow]) -> list[str]:
    if not models:
        trivial = best_trivial(table)
        others = "" if trivial is None else f"; of the trivial baselines **{trivial.model}** has the highest SRCC"
        return [f"No label-free model that predicts {table.dimension} has been scored on {_set(board)} yet{others}."]
    best = models[0]
    truth = "agrees best with people" if board.dataset.truth == "human opinion" else "follows the known order best"
    count = (
        f"The only model here for {table.dimension} that saw no human judgement of images"
        if len(models) == 1
        else f"Of {len(models)} models that saw no human judgement of images, the one that {truth} on {table.dimension}"
    )
    guess = ", not shown to be better than chance" if chance(best.srcc_low, best.srcc_high) else ""
    return [f"{count} is **{best.model}**: SRCC {with_interval(best)} on {best.n:,} images of {_set(board)}{guess}."]


def _next(table: BoardTable, models: list[BoardRow]) -> list[str]:
    if len(models) == 1:
        return ["There is no second one to compare it with."]
    if not models:
        return []
    best, other = models[0], models[1]
    pair = find_pair(table, best.model, other.model)
    if pair is None or pair.p_holm is None:
        return [f"The next of them is **{other.model}** ({signed(other.srcc)}); the two could not be tested."]
    verb = "It differs significantly from" if separable(pair) else "It does not differ significantly from"
    return [f"{verb} the next of them, **{other.model}** ({signed(other.srcc)}): {difference(pair)}."]


def _floors(table: BoardTable, best: BoardRow, models: list[BoardRow]) -> list[str]:
    """Against the strictest generator floor, or the best trivial baseline where there are no generators."""
    floors = [row for row in table.rows if row.kind == "generator floor" and row.srcc is not None]
    if floors and best.srcc is not None:
        floor = floors[0]
        assert floor.srcc is not None  # noqa: S101 - for the type checker; selected above
        gap = best.srcc - floor.srcc
        where = _where(best, floor.srcc)
        share = ""
        if len(models) > 1:
            above = sum(row.srcc is not None and row.srcc > floor.srcc for row in models)
            share = f"; {above or 'none'} of these {len(models)} models reach{'es' if above == 1 else ''} it"
        setting = " and with which setting" if "setting" in floor.model else ""
        side = "above" if gap >= 0 else "below"
        return [
            f"A trivial baseline that knows only which generator made an image{setting} reaches {signed(floor.srcc)} "
            f"(generator floor): **{best.model}** is {abs(gap):.3f} {side} it{where}{share}."
        ]
    trivial = best_trivial(table)
    if trivial is None or trivial is best or best.srcc is None or trivial.srcc is None:
        return []
    pair = find_pair(table, best.model, trivial.model)
    verdict = "" if pair is None else f"; the difference is {'' if separable(pair) else 'not '}significant"
    return [
        f"The best trivial baseline, **{trivial.model}**, reaches {signed(trivial.srcc)}, "
        f"{abs(best.srcc - trivial.srcc):.3f} {'less' if best.srcc >= trivial.srcc else 'more'}{verdict}."
    ]


def _where(row: BoardRow, value: float) -> str:
    if row.srcc_low is None or row.srcc_high is None:
        return ""
    if row.srcc_low > value or row.srcc_high < value:
        return ", its interval clear of the floor"
    return ", its interval includes the floor"


def _ceiling(table: BoardTable, best: BoardRow) -> list[str]:
    ceiling = next((row for row in table.rows if row.kind == "noise ceiling"), None)
    if ceiling is None or ceiling.srcc is None or best.srcc is None:
        return ["The noise ceiling of these labels is not known."]
    return [
        f"A second panel of raters would agree with the first at {signed(ceiling.srcc)} (noise ceiling), "
        f"{ceiling.srcc - best.srcc:.3f} above **{best.model}**."
    ]


def _trained(table: BoardTable, models: list[BoardRow]) -> list[str]:
    """A model that learned from human judgement elsewhere and does better."""
    trained = [
        row
        for row in table.rows
        if row.kind == "model" and not row.control and not is_label_free(row) and row.srcc is not None
    ]
    if not trained:
        return []
    best = trained[0]
    if models and models[0].srcc is not None and best.srcc is not None and best.srcc < models[0].srcc:
        return [
            f"No model trained on human judgement does better here; the best of them is **{best.model}** "
            f"({signed(best.srcc)})."
        ]
    return [f"Among models trained on human judgement elsewhere, **{best.model}** reaches {with_interval(best)}."]


def _controls(board: Board, table: BoardTable, models: list[BoardRow]) -> list[str]:
    """A score made for another dimension that comes close, since labels of one dataset correlate."""
    controls = [row for row in table.rows if row.control and row.kind == "model" and row.srcc is not None]
    if not controls or controls[0].srcc is None:
        return []
    best = controls[0]
    if models and (models[0].srcc or 0.0) - controls[0].srcc > CLOSE:
        return []
    left = "" if best.partial is None else f" ({signed(best.partial)} with {best.score_dimension} held fixed)"
    sentence = (
        f"For comparison: of the scores made for {best.score_dimension}, which do not claim {table.dimension}, "
        f"**{best.model}** has the highest SRCC, {signed(best.srcc)}{left}"
    )
    for other in (row for row in table.rows if row.kind == "model"):
        pair = find_pair(table, best.model, other.model)
        if pair is not None and pair.p_holm is not None:
            verb = "significantly" if separable(pair) else "not significantly"
            sentence += f"; {verb} different from **{other.model}**, {difference(pair)}"
    return [sentence + "."]


def best_trivial(table: BoardTable) -> BoardRow | None:
    """The trivial baseline with the highest SRCC."""
    return next((row for row in table.rows if row.kind == "floor" and not row.control and row.srcc is not None), None)


def find_pair(table: BoardTable, a: str, b: str) -> BoardPair | None:
    """The paired test of two models, in whichever order it stands."""
    return next((pair for pair in table.pairs if {pair.a, pair.b} == {a, b}), None)


def separable(pair: BoardPair) -> bool:
    """True if the corrected test finds a difference."""
    return pair.p_holm is not None and pair.p_holm <= ALPHA


def difference(pair: BoardPair) -> str:
    """Difference (first minus second), interval and corrected p of a pair."""
    bounds = interval(pair.low, pair.high, minus="−")
    p = probability(pair.p_holm, pair.p_holm_error, bound=pair.p_is_bound)
    return f"difference {signed(pair.difference)}{bounds}, corrected p {p if p[0] in '≤<' else f'= {p}'}"


def _set(board: Board) -> str:
    return board.dataset.title
