"""Floor 3: a table in, a plotly Figure out. Title, alt text, unit, source line and data table come from one place, ``base``."""

from helpers.figures import base
from helpers.figures.asked_and_got import asked_and_got, stances_on
from helpers.figures.bargaining import bargaining
from helpers.figures.border import border_distances
from helpers.figures.clauses import clause_comparison
from helpers.figures.deaths import deaths_by_year, deaths_map
from helpers.figures.designations import designations
from helpers.figures.maps import outlines, places
from helpers.figures.matrix import instrument_matrix
from helpers.figures.panels import counters
from helpers.figures.rows import leverage
from helpers.figures.scorecard import scorecard, scorecards_over_time
from helpers.figures.sources import claim_pages, origins_histogram, pages_and_origins, perspectives
from helpers.figures.stance_grid import stances
from helpers.figures.terms import linkage, obligation_balance, terms_grid
from helpers.figures.timeline import timeline
from helpers.figures.two_texts import contested_clauses, two_texts

__all__ = [
    "asked_and_got",
    "bargaining",
    "base",
    "border_distances",
    "claim_pages",
    "clause_comparison",
    "contested_clauses",
    "counters",
    "deaths_by_year",
    "deaths_map",
    "designations",
    "instrument_matrix",
    "leverage",
    "linkage",
    "obligation_balance",
    "origins_histogram",
    "outlines",
    "pages_and_origins",
    "perspectives",
    "places",
    "scorecard",
    "scorecards_over_time",
    "stances",
    "stances_on",
    "terms_grid",
    "timeline",
    "two_texts",
]
