"""One design of a front, by the name of a rule or by a rule of one's own."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.errors import UnknownNameError, nearest
from dse.metrics import Objective, describe, to_minimise
from dse.pareto import knee as knees
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.errors import alike

if TYPE_CHECKING:
    import pandas


def pick(
    frame: "pandas.DataFrame",
    objectives: Sequence[Objective],
    how: "str | Callable[[pandas.DataFrame], Any]",
) -> "pandas.Series":
    """Pick one design of a front.

    Parameters
    ----------
    frame
        One row a design, with a column for each objective.
    objectives
        What is minimised or maximised.
    how
        "knee" or "topsis" (`dse.pareto.knee` defines both); "least " or "most " and a column, by its name,
        its title or its beginning ("least edp_js", "least edp", "most utilisation"); what a table calls a
        design ("fastest"); or a function of the frame that returns a design's index, or a score for each
        design, of which the least is picked.

    Returns
    -------
    Series
        The design's row; its name is the design's index. Of equals the first.

    Raises
    ------
    UnknownNameError
        If no rule or column has that name; the nearest are named.
    ValueError
        If the front has no designs, scores are not numbers, or the function returns no design of the front.

    """
    if not len(frame):
        raise InputError("pick: the front has no designs")
    if callable(how):
        return _by_function(frame, how)
    if not isinstance(how, str):
        raise WrongTypeError(f'pick: "knee", "topsis", "least <column>" or a function, got {shown(how)}')
    values = to_minimise([frame[one.column].to_numpy(dtype=np.float64) for one in objectives], objectives)
    if how == "knee":
        return frame.iloc[knees.knee(values)[0]]
    if how == "topsis":
        return frame.iloc[knees.topsis(values)]
    names = [objective.superlative for objective in objectives]
    if how in names:
        return frame.iloc[knees.extremes(values)[names.index(how)]]
    sense, _, column = how.partition(" ")
    if sense not in ("least", "most") or not column:
        rules = ["knee", "topsis", *dict.fromkeys(names)]
        meant = alike(how, [*rules, *map(str, frame.columns)])
        if meant:
            near = [one if one in rules else f"least {one}" for one in meant]
            raise UnknownNameError(
                f"pick: unknown rule {shown(how)}; did you mean {' or '.join(map(repr, near))}?"
            )
        rules += ["least <column>", "most <column>", "a function of the frame"]
        raise UnknownNameError(f"pick: unknown rule {shown(how)}; there are {', '.join(rules)}")
    scores = frame[_column(frame, column)].to_numpy(dtype=np.float64)
    return frame.iloc[_least(-scores if sense == "most" else scores, how)]


def _column(frame: "pandas.DataFrame", said: str) -> str:
    """Column of numbers that is called so: by its name, its title, or the beginning of its name."""
    numbers = [str(name) for name in frame.select_dtypes("number").columns]
    if said in numbers:
        return said
    for same in (
        lambda name: describe(name).title.lower() == said.lower(),
        lambda name: name.rpartition("_")[0] == said,
        lambda name: name.rpartition(".")[2] == said,
    ):
        found = [name for name in numbers if same(name)]
        if len(found) == 1:
            return found[0]
    raise UnknownNameError(f"pick: the front has no column of numbers {shown(said)}{nearest(said, numbers)}")


def _by_function(frame: "pandas.DataFrame", how: "Callable[[pandas.DataFrame], Any]") -> "pandas.Series":
    """Row that a function asks for."""
    answer = how(frame)
    if np.ndim(answer):
        if np.shape(answer) != (len(frame),):
            raise InputError(
                f"pick: the function returned scores of shape {np.shape(answer)} for {len(frame)} designs"
            )
        return frame.iloc[_least(np.asarray(answer, dtype=np.float64), "the function")]
    if answer not in frame.index:
        raise InputError(f"pick: the function returned {shown(answer)}, which is the index of no design")
    row: pandas.Series = frame.loc[answer]
    return row


def _least(scores: Any, who: str) -> int:
    """Row of the least score that is a number."""
    if np.isnan(scores).all():
        raise InputError(f"pick: {shown(who)} gives no design a number")
    return int(np.nanargmin(scores))
