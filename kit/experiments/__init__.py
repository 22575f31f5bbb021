"""Experiments and what came of them.

``experiment``: what a file asks for. ``run``: the loop over its runs. A file for each kind: ``one``
network, a ``feature``, audits ``by_shadows``, ``mixed`` privacy, ``federated``. ``sweep``:
methods x seeds. ``tuning``: fair trials. ``results``: records. ``arm``: the name of what a run
changed. ``claims``: what papers say, and what the records say about it.
"""
