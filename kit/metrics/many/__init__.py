"""What do many models say together? Distributions beside those of retrained models."""

from kit.metrics.many import forgetting_score, klom

__all__ = ["forgetting_score", "klom"]
