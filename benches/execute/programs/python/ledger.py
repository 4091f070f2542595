"""Accounts with a history, in whole cents."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

AMOUNT = re.compile(r"(-?)(\d{1,9})(?:\.(\d{2}))?")


class InsufficientFunds(Exception):
    """An account would fall below its limit."""


def parse_amount(text: str) -> int:
    """Cents of an amount such as ``12``, ``12.50`` or ``-3.99``."""
    match = AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not an amount: {text!r}")
    sign, whole, cents = match.groups()
    value = int(whole) * 100 + int(cents or 0)
    return -value if sign else value


def format_amount(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


@dataclass(frozen=True)
class Entry:
    day: date
    cents: int
    category: str


@dataclass
class Account:
    owner: str
    overdraft: int = 0
    entries: list[Entry] = field(default_factory=list)

    @property
    def balance(self) -> int:
        return sum(entry.cents for entry in self.entries)

    def book(self, day: date, cents: int, category: str = "other") -> Entry:
        if self.balance + cents < -self.overdraft:
            raise InsufficientFunds(f"{self.owner} has only {format_amount(self.balance)}")
        entry = Entry(day, cents, category)
        self.entries.append(entry)
        return entry

    def by_category(self) -> dict[str, int]:
        sums: dict[str, int] = defaultdict(int)
        for entry in self.entries:
            sums[entry.category] += entry.cents
        return dict(sums)

    def statement(self, year: int, month: int) -> list[str]:
        return [
            f"{entry.day.isoformat()} {entry.category:<10} {format_amount(entry.cents):>12}"
            for entry in sorted(self.entries, key=lambda entry: entry.day)
            if (entry.day.year, entry.day.month) == (year, month)
        ]


def transfer(source: Account, target: Account, cents: int, day: date) -> None:
    if cents <= 0:
        raise ValueError("a transfer moves something")
    source.book(day, -cents, "transfer")
    target.book(day, cents, "transfer")
