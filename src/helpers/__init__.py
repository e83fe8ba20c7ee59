"""Evidence, figures and explorers behind the lessons of *Whose soil, whose consent?*"""
