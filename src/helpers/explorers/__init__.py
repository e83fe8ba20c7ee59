"""Floor 4: controls around one figure. In a lesson: ``from helpers import explorers as explore``, then ``explore.timeline(ev)``."""

from helpers.explorers import base
from helpers.explorers.asked_and_got import asked_and_got
from helpers.explorers.bargaining import bargaining
from helpers.explorers.border import border
from helpers.explorers.counting import counting
from helpers.explorers.deaths_map import deaths_map
from helpers.explorers.designations import designations
from helpers.explorers.instruments import instruments
from helpers.explorers.leverage import leverage
from helpers.explorers.scorecard import scorecard
from helpers.explorers.sources import sources
from helpers.explorers.stances import stances
from helpers.explorers.terms import terms
from helpers.explorers.timeline import timeline
from helpers.explorers.two_texts import two_texts

__all__ = [
    "asked_and_got",
    "bargaining",
    "base",
    "border",
    "counting",
    "deaths_map",
    "designations",
    "instruments",
    "leverage",
    "scorecard",
    "sources",
    "stances",
    "terms",
    "timeline",
    "two_texts",
]
