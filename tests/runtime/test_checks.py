"""What is refused, and the words in which it is."""

import pytest

from kit.runtime import checks

NAN = float("nan")


@pytest.mark.parametrize(
    "check, message",
    [
        (lambda: checks.one_of("mask", "no", ("yes", 1)), "mask must be one of yes, 1, got 'no'"),
        (lambda: checks.known("model", "x", {"a": 1, "b": 2}), "unknown model 'x'; .* a, b"),
        (lambda: checks.positive(lr=1.0, epochs=0), "epochs must be positive, got 0"),
        (lambda: checks.positive(lr=NAN), "lr must be positive, got nan"),
        (lambda: checks.not_negative(gamma=-1), "gamma must not be negative, got -1"),
        (lambda: checks.not_negative(gamma=NAN), "gamma must not be negative, got nan"),
        (lambda: checks.within_one(share=0), r"share must lie in \(0, 1\], got 0"),
        (lambda: checks.within_one(share=1.5), "got 1.5"),
    ],
)
def test_refuses(check, message):
    with pytest.raises(ValueError, match=message):
        check()


def test_lets_pass_what_is_fine():
    checks.one_of("mask", "yes", iter(["no", "yes"]))
    checks.known("model", "a", ["a"])
    checks.positive(lr=1e-9)
    checks.not_negative(gamma=0)
    checks.within_one(share=1)
