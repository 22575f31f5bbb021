"""Shadow models: many networks that differ in which images they saw, the raw material of attacks.

``plan`` says who trains on what, ``training`` makes the networks, ``audit`` lets them serve their
requests and attacks what they say.
"""

from kit.shadows.audit import FORGET, audit, margins
from kit.shadows.plan import Plan, halves, repeats
from kit.shadows.training import BACKENDS, RECIPE, train

__all__ = ["BACKENDS", "FORGET", "RECIPE", "Plan", "audit", "halves", "margins", "repeats", "train"]
