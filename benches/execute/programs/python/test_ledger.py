from datetime import date

import pytest

from ledger import Account, InsufficientFunds, format_amount, parse_amount, transfer

TODAY = date(2026, 3, 14)


@pytest.fixture
def account():
    account = Account("Ada", overdraft=5_000)
    account.book(date(2026, 3, 1), 250_000, "salary")
    account.book(date(2026, 3, 2), -80_000, "rent")
    return account


@pytest.mark.parametrize(
    ("text", "cents"), [("12", 1200), ("12.50", 1250), (" -3.99 ", -399)]
)
def test_amounts_are_read(text, cents):
    assert parse_amount(text) == cents


def test_what_is_no_amount_is_refused():
    with pytest.raises(ValueError, match="not an amount"):
        parse_amount("12.5")


def test_amounts_are_written_with_thousands():
    assert format_amount(-123_456_789) == "-1,234,567.89"


def test_balance_is_the_sum_of_entries(account):
    assert account.balance == 170_000


def test_overdraft_is_a_limit(account):
    account.book(TODAY, -175_000)
    with pytest.raises(InsufficientFunds):
        account.book(TODAY, -1)
    assert account.balance == -5_000


def test_categories_are_summed(account):
    account.book(TODAY, -1_000, "rent")
    assert account.by_category() == {"salary": 250_000, "rent": -81_000}


class TestTransfer:
    def test_moves_money(self, account):
        other = Account("Grace")
        transfer(account, other, 10_000, TODAY)
        assert (account.balance, other.balance) == (160_000, 10_000)

    def test_moves_nothing_when_the_source_is_short(self, account):
        other = Account("Grace")
        with pytest.raises(InsufficientFunds):
            transfer(account, other, 999_999, TODAY)
        assert other.entries == []
