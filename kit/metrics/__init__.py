"""Metrics, attacks and audits in rooms by the question they answer.

``answers``: what does it say? ``membership``: was it trained on this image? ``inside``: what is
left in the network? ``comes_back``: is it soon learnt again? ``feature``: does a feature still
count? ``many``: what do many models say together? ``evaluate`` calls what one model allows,
``audits`` holds the slower ones; ``statistics`` says how sure a number is. Every room's names
are names of ``kit.metrics``.
"""

from kit.metrics import membership, statistics
from kit.metrics.answers import *
from kit.metrics.comes_back import *
from kit.metrics.evaluate import evaluate
from kit.metrics.feature import *
from kit.metrics.inside import *
from kit.metrics.many import *
from kit.metrics.membership import *

__all__ = [
    *answers.__all__, *comes_back.__all__, *feature.__all__, *inside.__all__, *many.__all__,
    *membership.__all__, "evaluate", "membership", "statistics",
]  # fmt: skip
