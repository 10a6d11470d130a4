"""The allowance's laws: never more than its capacity, never spent twice, and it says when enough is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import Allowance, AllowanceSpent, Balance

HUNDRED = Allowance(capacity=100, per_hour=60)


def test_a_new_member_has_all_of_it() -> None:
    assert HUNDRED.full(5.0) == Balance(left=100, at=5.0)


def test_what_was_spent_comes_back_with_time_and_not_beyond_the_capacity() -> None:
    balance = HUNDRED.spent(HUNDRED.full(0), 90, 0)
    assert HUNDRED.refilled(balance, 3600).left == pytest.approx(70)
    assert HUNDRED.refilled(balance, 360_000).left == 100


def test_a_refusal_says_what_is_left_and_when_enough_is_there() -> None:
    balance = HUNDRED.spent(HUNDRED.full(0), 90, 0)
    with pytest.raises(AllowanceSpent) as refused:
        HUNDRED.spent(balance, 40, 0)
    assert refused.value.left == pytest.approx(10)
    assert refused.value.enough_at == pytest.approx(1800)
    assert HUNDRED.spent(balance, 40, 1800).left == pytest.approx(0)


def test_a_job_dearer_than_everything_is_taken_when_nothing_is_missing_and_leaves_debt() -> None:
    balance = HUNDRED.spent(HUNDRED.full(0), 160, 0)
    assert balance.left == -60
    with pytest.raises(AllowanceSpent):
        HUNDRED.spent(balance, 1, 3000)


def test_a_clock_that_was_set_back_gives_nothing() -> None:
    balance = HUNDRED.spent(HUNDRED.full(10_000), 50, 10_000)
    assert HUNDRED.refilled(balance, 0).left == 50


@given(st.lists(st.tuples(st.floats(0.1, 150), st.floats(0, 5000)), max_size=50))
def test_spending_never_takes_more_than_there_ever_was(spendings: list[tuple[float, float]]) -> None:
    balance, now, spent = HUNDRED.full(0), 0.0, 0.0
    for cost, later in spendings:
        now += later
        try:
            balance = HUNDRED.spent(balance, cost, now)
        except AllowanceSpent:
            continue
        spent += cost
    longest_debt = 50
    assert spent <= 100 + now / 3600 * 60 + longest_debt + 1e-6


@given(st.floats(0, 99), st.floats(0.1, 150))
def test_when_a_refusal_says_that_there_is_enough_there_is_enough(left: float, cost: float) -> None:
    balance = Balance(left=left, at=0)
    try:
        HUNDRED.spent(balance, cost, 0)
    except AllowanceSpent as refused:
        HUNDRED.spent(balance, cost, (refused.enough_at or 0) + 1e-6)


@given(st.floats(0.1, 100), st.floats(0, 1))
def test_a_full_refund_leaves_no_trace(cost: float, left: float) -> None:
    before = Balance(left=100 * left, at=0)
    try:
        after = HUNDRED.refunded(HUNDRED.spent(before, cost, 0), cost)
    except AllowanceSpent:
        return
    assert after.left == pytest.approx(before.left)
