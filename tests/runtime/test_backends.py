"""Jobs are spread and their results come back in order."""

import pytest

from kit.runtime.backends import spread


def test_results_come_one_by_one_in_the_order_of_the_jobs():
    done = []

    def twice(number):
        done.append(number)
        return 2 * number

    results = spread(twice, ((n,) for n in (3, 1, 2)))
    assert next(results) == 6 and done == [3]
    assert list(results) == [2, 4]


def test_refuses_an_unknown_backend():
    with pytest.raises(ValueError, match="unknown backend 'spark'; choose one of serial, loky"):
        spread(print, [], backend="spark")
