"""Every colour of the figures, and none elsewhere: change one here and each figure that uses it follows.

Marks take Okabe and Ito's eight, which are told apart with the common kinds of colour blindness; a shape or a word always differs
as well. They are named by what they look like, because several figures use each; what stands for one thing is named by the thing.
A figure that is open keeps its colours until its kernel is started anew.
"""

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, BLACK = "#CC79A7", "#56B4E9", "#F0E442", "#000000"

# Words and lines, from dark to light; words on white are never lighter than GREY.
INK, DARK_GREY, GREY, MIDDLE, PALE, FAINT = "#222222", "#565656", "#6B6B6B", "#8A8A8A", "#C4C4C4", "#E4E4E4"
WHITE, MISSING, STRIPE = "#FFFFFF", "#D9D9D9", "rgba(40, 50, 80, 0.05)"

LAND, SEA, COUNTRY, PROVINCE = "#F7F4EC", "#E3EDF4", "#6F6B60", "#ABA79C"
FEATURE = {
    "not seen": WHITE,
    "yes": "#7CC4EE",
    "limited": "#CFE8F8",
    "no": "#F2A477",
    "not_public": "#C9C9C9",
    "unclear": "#F7EC8B",
}
STANCE = {-2: "#F08A4B", -1: "#F9CFB0", 0: "#F5EBA0", 1: "#BFE0F5", 2: "#5FB4E5"}
COVERAGE = {"all events": "#9CCBE6", "precise events only": "#F3D9A4", "no file": "#BDBDBD"}
NEAR, RANGE, BESIDE = "#F7D9C4", "#A9BFD2", "rgba(120, 120, 120, 0.55)"


def faded(color: str, part: float) -> str:
    """Return a colour of which `part` (0 to 1) is left, the rest seen through: browsers draw it faster than a mark's opacity."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {part})"
