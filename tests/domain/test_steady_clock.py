"""The clock goes on by its own pace, forwards only."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import SteadyClock


class Clocks:
    """A clock on the wall that anyone can set, and one that nobody can."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_800_000_000_000, 5_000


MOVES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(-10_000_000, 10_000_000)))


@given(MOVES)
def test_it_is_never_set_back_nor_slower_than_the_steady_one(moves):
    clocks = Clocks()
    now = SteadyClock(lambda: clocks.steady)
    now.learn(clocks.wall)
    before = now()
    for passed, jump in moves:
        clocks.steady += passed
        clocks.wall += passed + jump
        now.learn(clocks.wall)
        assert now() >= before + passed
        assert now() >= clocks.wall
        before = now()


@given(st.lists(st.integers(0, 10_000)))
def test_it_shows_the_time_of_day_that_nobody_sets(passing):
    clocks = Clocks()
    now = SteadyClock(lambda: clocks.steady)
    for passed in passing:
        clocks.steady += passed
        clocks.wall += passed
        now.learn(clocks.wall)
        assert now() == clocks.wall


def test_a_jump_forwards_is_followed():
    clocks = Clocks()
    now = SteadyClock(lambda: clocks.steady)
    now.learn(clocks.wall)
    now.learn(clocks.wall + 86_400_000)
    assert now() == clocks.wall + 86_400_000
