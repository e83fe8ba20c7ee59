"""Which text says what: instruments against features, with silence kept apart from "no"."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

VALUES = ("yes", "limited", "no", "not_public", "unclear")
NOT_SEEN = "not seen"


def texts(instruments: pd.DataFrame) -> pd.DataFrame:
    """Leave out announcements (``ann-…``): what ministers told a press conference is not a text."""
    return instruments[~instruments["instrument_id"].str.startswith("ann-")].reset_index(drop=True)


def in_order(instruments: pd.DataFrame) -> list[str]:
    """Return the instrument ids by ``date_signed``; of two with the same day the id decides."""
    once = instruments.drop_duplicates("instrument_id").sort_values(["date_signed", "instrument_id"])
    return once["instrument_id"].tolist()


def feature_matrix(instruments: pd.DataFrame, features: Iterable[str] | None = None) -> pd.DataFrame:
    """Return instruments (index, by date) × features (columns) with their ``value``.

    A pair without a row is ``"not seen"``: no page that was read speaks about it, which is not "no". `features` chooses and
    orders the columns; left out, all that occur, by name. Raises ValueError when a pair has two rows.
    """
    doubled = instruments.duplicated(["instrument_id", "feature"])
    if doubled.any():
        row = instruments[doubled].iloc[0]
        raise ValueError(f"instruments: {row.instrument_id} × {row.feature} has two rows. Keep one row per pair.")
    columns = sorted(instruments["feature"].unique()) if features is None else list(features)
    wide = instruments.pivot(index="instrument_id", columns="feature", values="value")
    wide = wide.reindex(index=in_order(instruments), columns=columns)
    return wide.astype(object).where(wide.notna(), NOT_SEEN)


def value_counts(instruments: pd.DataFrame, features: Iterable[str] | None = None) -> pd.DataFrame:
    """Count the values of every feature over all instruments in the table.

    Returns one row per feature, columns yes, limited, no, not_public, unclear, not seen.
    """
    matrix = feature_matrix(instruments, features)
    counts = [{value: int((matrix[f] == value).sum()) for value in (*VALUES, NOT_SEEN)} for f in matrix.columns]
    return pd.DataFrame(counts, index=pd.Index(matrix.columns, name="feature"), columns=[*VALUES, NOT_SEEN])
