"""stub"""
from marketsim.figures.drawn import Drawn
def study_pictures(study): return Drawn([], [], [])
