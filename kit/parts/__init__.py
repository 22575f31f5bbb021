"""What methods and audits are built of.

``distillation``: a teacher's answers. ``freezing``: train some weights only. ``importance``:
gradients image by image. ``newton``, ``linear``, ``mixed_linear``: second order and linearised
networks. ``grouping``: channels that fire alike. ``adversary``: networks that learn annotations.
``filters``: what images pass before a network. ``class_means``: what clients report.
"""
