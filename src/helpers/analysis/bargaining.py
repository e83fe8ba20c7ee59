"""A teaching model of bargaining on one issue: where actors' weights would put the outcome. Not a forecast.

Each actor has a position on a scale, a capability (what it could bring to bear) and a salience (the share of it that
it would spend on this issue). Its weight is capability × salience.

* Compromise model: the outcome is the weighted mean of the positions, Σ c·s·x ÷ Σ c·s. Source: the compromise model
  in Thomson, Robert, Frans N. Stokman, Christopher H. Achen and Thomas König, eds (2006). The European Union Decides.
  Cambridge University Press; why a weighted mean comes close to a bargain among actors who all fear disagreement:
  Achen's chapter 4 there, "Institutional realism and bargaining models".
* Weighted median: the position at which half of all weight lies on either side. Source: Black, Duncan (1948). "On the
  Rationale of Group Decision-making", Journal of Political Economy 56; with weights it is where Bueno de Mesquita's
  expected utility ("challenge") model starts: Bueno de Mesquita, Bruce (1997). "A decision making model: Its
  structure and form", International Interactions 23(3–4): 235–266.

What the model leaves out: threats, other issues traded against this one, vetoes, time, deceit, and everyone not in
the table. A position of 0 pulls the mean to the middle even where it stands for silence. Saliences and capabilities
are nobody's data: whoever types them in is the author of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

SCALE = (-2.0, 2.0)
COLUMNS = ("actor", "position", "salience", "capability")
LABEL = "Teaching model, not a forecast"
_NUMBERS = COLUMNS[1:]


def inputs_from(
    positions: pd.DataFrame,
    issue: str,
    *,
    period: str = "current",
    actors: Sequence[str] | None = None,
    salience: float = 1.0,
    capability: float = 1.0,
) -> pd.DataFrame:
    """Return a table of inputs for one issue from the positions table, with the same salience and capability for all.

    Needs ``actor``, ``issue``, ``period``, ``stance_score`` (−2 … 2); one row per actor, issue and period. Returns
    actor, position, salience, capability and, for reading, basis, status, date, notes where the table has them. Only
    the positions rest on evidence. `actors` chooses and orders. Raises ValueError for an issue without rows, an actor
    without a position, or two rows of one actor.
    """
    rows = positions[(positions["issue"] == issue) & (positions["period"] == period)]
    if rows.empty:
        known = ", ".join(sorted(positions["issue"].unique()))
        raise ValueError(f"{issue} ({period}): no position is recorded. Issues: {known}.")
    if rows["actor"].duplicated().any():
        raise ValueError(
            f"{issue}: {rows.loc[rows['actor'].duplicated(), 'actor'].iloc[0]} has two {period} positions."
        )
    rows = rows.set_index("actor", drop=False)
    if actors is not None:
        if absent := [actor for actor in actors if actor not in rows.index]:
            raise ValueError(
                f"{absent[0]}: no {period} position on {issue} was seen, which is not a position of 0. Leave it out."
            )
        rows = rows.loc[list(actors)]
    table = pd.DataFrame({"actor": rows["actor"], "position": rows["stance_score"].astype("float64")})
    table = table.assign(salience=float(salience), capability=float(capability))
    context = [column for column in ("basis", "status", "date", "notes") if column in rows]
    return pd.concat([table, rows[context]], axis=1).reset_index(drop=True)


def compromise(inputs: pd.DataFrame, scale: tuple[float, float] = SCALE) -> float:
    """Return the weighted mean of the positions, in points of `scale`.

    Needs actor, position (within `scale`), salience (0 to 1) and capability (0 or more; only ratios matter). Raises
    ValueError for a value that is missing or out of range, a repeated actor, and when no actor has any weight.
    """
    return _outcome(_mean, _checked(inputs, scale))


def median(inputs: pd.DataFrame, scale: tuple[float, float] = SCALE) -> float:
    """Return the weighted median position; where exactly half the weight lies on each side of a gap, the gap's middle.

    Columns and errors as in `compromise`.
    """
    return _outcome(_median, _checked(inputs, scale))


def weights(inputs: pd.DataFrame, scale: tuple[float, float] = SCALE) -> pd.DataFrame:
    """Return each actor's weight and pull on the compromise: actor, position, weight, share (0 to 1), pull.

    ``pull`` = share × (position − middle of the scale); the pulls add up to the outcome's distance from the middle.
    """
    table = _checked(inputs, scale)
    weight = table["salience"] * table["capability"]
    share = weight / _total(weight)
    pull = share * (table["position"] - sum(scale) / 2)
    return table[["actor", "position"]].assign(weight=weight, share=share, pull=pull)


def partial_effects(inputs: pd.DataFrame, scale: tuple[float, float] = SCALE) -> pd.DataFrame:
    """Return by how much the compromise moves per unit of each input, all others held (exact derivatives).

    With w = c·s, W = Σw and outcome y: ∂y/∂x = w/W; ∂y/∂s = c·(x − y)/W; ∂y/∂c = s·(x − y)/W. Returns actor, input,
    value, effect (points of the scale per unit of the input). Holds for small changes; for large ones see `swings`.
    """
    table, outcome = _checked(inputs, scale), compromise(inputs, scale)
    total = _total(table["salience"] * table["capability"])
    away = table["position"] - outcome
    effects = {
        "position": table["salience"] * table["capability"] / total,
        "salience": table["capability"] * away / total,
        "capability": table["salience"] * away / total,
    }
    parts = [
        pd.DataFrame({"actor": table["actor"], "input": name, "value": table[name], "effect": effect})
        for name, effect in effects.items()
    ]
    return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)


def swings(
    inputs: pd.DataFrame, model: str = "compromise", *, factor: float = 2.0, scale: tuple[float, float] = SCALE
) -> pd.DataFrame:
    """Move one input at a time across its range, all others held, and return how far the outcome goes; widest first.

    Ranges: position over the whole `scale`, salience from 0 to 1, capability ÷ and × `factor`. `model`: "compromise"
    or "median". Returns actor, input, value, from_value, to_value, outcome, outcome_from, outcome_to (<NA> where no
    weight would be left) and swing (the span of the three outcomes, points of the scale). One at a time hides what
    two changes do together.
    """
    if model not in MODELS:
        raise ValueError(f"model {model!r}: choose {' or '.join(MODELS)}.")
    if not factor > 1:
        raise ValueError(f"factor {factor}: capability is divided and multiplied by it, so give a number above 1.")
    table, rule = _checked(inputs, scale), MODELS[model]
    outcome = _outcome(rule, table)
    numbers = {name: table[name].to_numpy() for name in _NUMBERS}
    rows = []
    for row, actor in enumerate(table["actor"]):
        capability = numbers["capability"][row]
        ranges = {"position": scale, "salience": (0.0, 1.0), "capability": (capability / factor, capability * factor)}
        for name, ends in ranges.items():
            moved = [_moved(rule, numbers, name, row, end) for end in ends]
            reached = [outcome, *(end for end in moved if end is not None)]
            rows.append((actor, name, numbers[name][row], *ends, outcome, *moved, max(reached) - min(reached)))
    names = ["actor", "input", "value", "from_value", "to_value", "outcome", "outcome_from", "outcome_to", "swing"]
    found = pd.DataFrame(rows, columns=names).astype({"outcome_from": "Float64", "outcome_to": "Float64"})
    return found.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def calibration(scale: tuple[float, float] = SCALE) -> pd.DataFrame:
    """Run both models on the two cases whose answer is known: run this before any data.

    Case 1: one actor holds all weight, so the outcome is its position. Case 2: equal weights on both ends of the
    scale, so the outcome is the middle. Returns case, expected, compromise, median (points of the scale).
    """
    low, high = scale
    alone = pd.DataFrame([("A", low, 1.0, 1.0), ("B", high, 0.0, 1.0), ("C", high, 1.0, 0.0)], columns=COLUMNS)
    equal = pd.DataFrame([("A", low, 1.0, 1.0), ("B", high, 1.0, 1.0)], columns=COLUMNS)
    cases = {"one actor holds all weight": (alone, low), "equal weights at both ends": (equal, (low + high) / 2)}
    rows = [(name, expected, compromise(case, scale), median(case, scale)) for name, (case, expected) in cases.items()]
    return pd.DataFrame(rows, columns=["case", "expected", "compromise", "median"])


def _mean(position: np.ndarray, weight: np.ndarray) -> float:
    return float(weight @ position / weight.sum())


def _median(position: np.ndarray, weight: np.ndarray) -> float:
    heavy = weight > 0
    order = np.argsort(position[heavy], kind="stable")
    sorted_position, reached = position[heavy][order], np.cumsum(weight[heavy][order])
    half, tolerance = reached[-1] / 2, reached[-1] * 1e-9
    lower = sorted_position[np.argmax(reached >= half - tolerance)]
    upper = sorted_position[np.argmax(reached > half + tolerance)]
    return float((lower + upper) / 2)


MODELS = {"compromise": _mean, "median": _median}


def _outcome(rule: Callable, table: pd.DataFrame) -> float:
    weight = table["salience"] * table["capability"]
    _total(weight)
    return rule(table["position"].to_numpy(), weight.to_numpy())


def _moved(rule: Callable, numbers: dict[str, np.ndarray], name: str, row: int, value: float) -> float | None:
    """Return the outcome with one input changed, None where nobody would keep any weight."""
    changed = dict(numbers)
    changed[name] = changed[name].copy()
    changed[name][row] = value
    weight = changed["salience"] * changed["capability"]
    return rule(changed["position"], weight) if weight.sum() > 0 else None


def _checked(inputs: pd.DataFrame, scale: tuple[float, float]) -> pd.DataFrame:
    if missing := [column for column in COLUMNS if column not in inputs]:
        raise ValueError(f"inputs need a column {missing[0]!r}: actor, position, salience, capability.")
    low, high = scale
    if not low < high:
        raise ValueError(f"scale {scale}: give its low end first.")
    if inputs["actor"].duplicated().any():
        raise ValueError(f"{inputs.loc[inputs['actor'].duplicated(), 'actor'].iloc[0]} stands twice among the inputs.")
    table = inputs[list(COLUMNS)].reset_index(drop=True)
    limits = {"position": (low, high), "salience": (0, 1), "capability": (0, float("inf"))}
    for name, (least, most) in limits.items():
        numbers = pd.to_numeric(table[name], errors="coerce").astype("float64")
        wrong = ~(numbers.between(least, most) & (numbers < float("inf")))
        if wrong.any():
            row = table.loc[wrong.idxmax()]
            allowed = f"from {least:g} to {most:g}" if most < float("inf") else f"{least:g} or more"
            raise ValueError(f"{row['actor']}: {name} is {row[name]}, but must be a number {allowed}.")
        table[name] = numbers
    return table


def _total(weight: pd.Series) -> float:
    total = weight.sum()
    if not total > 0:
        raise ValueError("nobody has any weight: give at least one actor a salience and a capability above 0.")
    return total
