"""Experiments and what came of them: files of requests, seeds and arms; records; claims; sweeps."""
