"""Inputs: values of a kind, shaped like those of real use, and variations of values that did well."""

SMALL_INTS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1, -2, 12, 13, 15, 16, 20, 24, 25, 30]
OTHER_INTS = [
    36,
    49,
    97,
    100,
    101,
    121,
    255,
    256,
    365,
    999,
    1000,
    1234,
    12321,
    -3,
    -7,
    -10,
    -100,
    2000,
]
FLOATS = [
    0.0,
    1.0,
    0.5,
    -1.0,
    1.5,
    2.5,
    3.14,
    0.1,
    2.0,
    10.0,
    -2.75,
    100.0,
    99.99,
    0.25,
    -0.5,
    7.0,
    1e-3,
    1234.5,
]
WORDS = [
    "apple",
    "Banana",
    "cherry",
    "a",
    "abc",
    "Hello",
    "kiwi",
    "level",
    "b",
    "fig",
    "dog",
    "cat",
    "Zebra",
    "bird",
    "xyz",
    "aa",
]
TEXTS = [
    "", "a", "A", " ", "abc", "hello", "Hello World", "aaa", "racecar", "AbCdE", "hello world", "12345",
    "a1b2c3", "the quick brown fox", "abcABC", "aabbcc", "Mississippi", "  padded  ", "under_score",
    "UPPER", "x", "0", "Hi, there!", "one two  three", "level", "zyx", "banana", "é", "line one\nline two",
    "The cat and the hat", "a,b,c", "user@example.com", "-5", "3.14",
]  # fmt: skip
NUMERALS = [
    "0",
    "1",
    "7",
    "10",
    "42",
    "-3",
    "100",
    "007",
    "3.14",
    "2.5",
    "-2.5",
    "14.5",
    "10.0",
    "-0.5",
    "15.3",
    "1.50",
    "99",
    "12",
]
INT_FAMILIES = [
    [], [1], [0], [-1], [1, 2], [2, 1], [1, 1], [0, 0], [1, 2, 3], [3, 2, 1], [3, 1, 2], [1, -1], [-1, -2, -3],
    [5, 5, 5], [1, 2, 2, 3], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [1, 3, 2, 5, 4], [1, 2, 2, 1], [1, 2, 1],
    [10, -5, 3, -2, 8], [2, 4, 6, 8], [1, 3, 5, 7], [1, 2, 2, 2, 3], [100, 10, 1000], [0, 1, 0, 2], [-5, 0, 5],
    [4, 1, 2, 2, 3, 1], [9, 8, 7, 1, 2, 3, 6], [12, 15, 21, 30], [-10, -20, 30, 40], [3, 3, 3, 3, 1],
    [1, 2, 3, 2, 1], [7, 3, 9, 1, 5, 8, 2], [1, 11, 111], [6, 5, 7, 4, 8], [2, 2, 3, 3, 4, 4],
]  # fmt: skip
WORD_FAMILIES = [
    [], ["a"], [""], ["a", "b"], ["b", "a"], ["a", "a"], ["apple", "Banana", "cherry"], ["abc", "ab", "a"],
    ["a", "bb", "ccc"], ["dog", "cat", "dog"], ["Hello", "hello", "HELLO"], ["x", "yy", "zz", "www"],
    ["abc", "bca", "cab", "xyz"], ["kiwi", "", "fig"], ["level", "world", "noon"], ["one", "two", "three", "four"],
    ["aa", "ab", "ba", "bb"], ["flower", "flow", "flight"], ["A1", "b2", "C3"],
]  # fmt: skip
CALLABLES = {
    0: ["lambda: 1", 'lambda: "done"'],
    1: [
        "lambda x: x",
        "lambda x: x + x",
        "lambda x: x > 2",
        "len",
        "str",
        "lambda x: -x",
        "lambda x: x % 2 == 0",
        "lambda x: None",
    ],
    2: [
        "lambda x, y: x + y",
        "lambda x, y: x if x < y else y",
        "lambda x, y: x * y",
        "lambda x, y: x - y",
        "lambda x, y: x == y",
    ],
    3: ["lambda x, y, z: (x, y, z)", "lambda x, y, z: x + y + z"],
}
DATES = [
    (2024, 1, 15),
    (2024, 2, 29),
    (2023, 12, 31),
    (2000, 1, 1),
    (2024, 7, 4),
    (2023, 3, 1),
    (2024, 2, 28),
    (1999, 10, 5),
    (2024, 6, 15),
]


class Sampler:
    """Draws values of kinds. All randomness is of one generator with a fixed seed."""

    def __init__(self, pool, generator, instances, speller):
        self.pool = pool
        self.random = generator
        self.instances = instances  # (class name, sampler, depth) -> Raw of one more instance
        self.speller = speller
        ints = []
        for value in pool.ints:
            ints += [value, value + 1, value - 1]
        ints += [int(v) for v in pool.floats if abs(v) < 1e6]
        self.int_constants = unique(ints)[:40]
        floats = []
        for value in pool.floats:
            floats += [value, round(value + 0.1, 10), round(value - 0.1, 10)]
        self.float_constants = unique(floats + [float(v) for v in pool.ints[:6]])[:60]
        self.sample_lists = [v for v in pool.samples if type(v) in (list, tuple)]
        self.sample_texts = [v for v in pool.samples if type(v) is str]
        self.numeral = False  # whether texts are read as numbers
        self.pattern_texts = []
        for pattern in pool.patterns[:6]:
            self.pattern_texts += [
                t for t in (text_matching(pattern, generator) for _ in range(4)) if t is not None
            ]
        self.learned = []  # operands seen in comparisons while running

    # -- one value -----------------------------------------------------------

    def draw(self, kind, depth=0):
        return getattr(self, "draw_" + kind[0].replace("*", "s"), self.draw_any)(kind, depth)

    def pick(self, options):
        return options[int(self.random.random() * len(options))]

    def draw_int(self, kind, depth):
        chance = self.random.random()
        if chance < 0.3 and self.int_constants:
            return self.pick(self.int_constants)
        if chance < 0.4:
            learned = [v for v in self.learned if type(v) is int]
            if learned:
                return self.pick(learned) + self.pick((-1, 0, 0, 1))
        if chance < 0.75:
            return self.random.randint(-4, 20)
        if chance < 0.9:
            return self.random.randint(0, 120)
        return self.pick(OTHER_INTS)

    def draw_float(self, kind, depth):
        chance = self.random.random()
        if chance < 0.35 and self.float_constants:
            return self.pick(self.float_constants)
        if chance < 0.7:
            return self.pick(FLOATS)
        return round(self.random.uniform(-10, 30), 1)

    def draw_number(self, kind, depth):
        return (
            self.draw_int(kind, depth)
            if self.random.random() < 0.75
            else self.draw_float(kind, depth)
        )

    def draw_bool(self, kind, depth):
        return self.random.random() < 0.5

    def draw_none(self, kind, depth):
        return None

    def draw_bytes(self, kind, depth):
        return self.draw_str(STR, depth).encode("utf-8", "replace")[:20]

    def draw_any(self, kind, depth):
        return self.draw(
            self.pick(
                (INT, STR, INT, STR, FLOAT, BOOL, NONE)
                if depth
                else (INT, STR, ("list", INT), FLOAT)
            ),
            depth + 1,
        )

    def draw_union(self, kind, depth):
        return self.draw(self.pick(kind[1:]), depth)

    def draw_choice(self, kind, depth):
        return self.pick(kind[1])

    def draw_enum(self, kind, depth):
        members = list(getattr(self.speller.namespace.get(kind[1]), "__members__", ()))
        return Raw(f"{kind[1]}.{self.pick(members)}") if members else None

    def draw_object(self, kind, depth):
        return self.instances(kind[1], self, depth)

    def draw_callable(self, kind, depth):
        return Raw(self.pick(CALLABLES.get(kind[1], CALLABLES[1])))

    def draw_date(self, kind, depth):
        day = self.pick(DATES)
        return Raw(f"{self.library('datetime', 'date')}({day[0]}, {day[1]}, {day[2]})")

    def draw_datetime(self, kind, depth):
        day = self.pick(DATES)
        hour = self.pick(("0, 0", "12, 30", "23, 59", "8, 15"))
        return Raw(f"{self.library('datetime', 'datetime')}({day[0]}, {day[1]}, {day[2]}, {hour})")

    def draw_timedelta(self, kind, depth):
        return Raw(
            f"{self.library('datetime', 'timedelta')}({self.pick(('days=1', 'hours=5', 'days=30', 'minutes=90', 'seconds=0', 'days=-1'))})"
        )

    def draw_decimal(self, kind, depth):
        return Raw(f'{self.library("decimal", "Decimal")}("{self.pick(NUMERALS)}")')

    def draw_fraction(self, kind, depth):
        return Raw(
            f"{self.library('fractions', 'Fraction')}({self.random.randint(-5, 9)}, {self.random.randint(1, 6)})"
        )

    def library(self, module, name):
        kind = getattr(sys.modules.get(module) or __import__(module), name)
        return self.speller.class_name(kind)

    def draw_list(self, kind, depth):
        element = kind[1]
        if element[0] == "list" and depth < 2:
            return self.draw_grid(element, depth)
        if self.sample_lists and self.random.random() < 0.15:
            sample = list(self.pick(self.sample_lists))
            if all(fits(v, element) for v in sample):
                return self.vary_list(sample, element)
        top = 7 if depth == 0 else 3
        size = min(int(self.random.random() * (top + 1)), top)
        items = [self.draw(element, depth + 1) for _ in range(size)]
        return self.arrange(items)

    def arrange(self, items):
        """Give a list one of the orders that algorithms treat differently."""
        chance = self.random.random()
        if chance < 0.45 or len(items) < 2:
            return items
        if chance < 0.6:  # few values, many times
            few = items[:2]
            return [self.pick(few) for _ in items]
        try:
            if chance < 0.72:
                return sorted(items)
            if chance < 0.8:
                return sorted(items, reverse=True)
        except TypeError:
            return items
        if chance < 0.88:  # the same forwards and backwards
            half = items[: (len(items) + 1) // 2]
            return half + half[::-1][self.random.randint(0, 1) :]
        if chance < 0.94:
            return items + [self.pick(items)]
        if type(items[0]) is int:
            step = self.pick((1, 2, 3, -1))
            return [items[0] + step * index for index in range(len(items))]
        return items

    def draw_grid(self, row, depth):
        chance = self.random.random()
        cell = row[1]
        if chance < 0.15:  # rows of any length
            return [self.draw(row, depth + 1) for _ in range(self.random.randint(0, 4))]
        high = self.random.randint(1, 4)
        wide = high if chance < 0.7 else self.random.randint(1, 4)
        if cell in (INT, NUMBER) and chance < 0.4:  # every number once, as boards have it
            cells = list(range(1, high * wide + 1))
            self.random.shuffle(cells)
        elif cell in (INT, NUMBER) and chance < 0.55:
            cells = [self.random.randint(0, 1) for _ in range(high * wide)]
        else:
            cells = [self.draw(cell, depth + 2) for _ in range(high * wide)]
        return [cells[i * wide : (i + 1) * wide] for i in range(high)]

    def draw_deque(self, kind, depth):
        name = self.library("collections", "deque")
        return (
            Raw(f"{name}({self.speller.spell(self.draw_list(('list', kind[1]), depth))})")
            if name
            else []
        )

    def draw_tuple(self, kind, depth):
        return tuple([self.draw(part, depth + 1) for part in kind[1:]])

    def draw_tuples(self, kind, depth):
        return tuple(self.draw_list(("list", kind[1]), depth))

    def draw_set(self, kind, depth):
        try:
            return set(self.draw_list(("list", kind[1] if kind[1] != ANY else INT), depth))
        except TypeError:
            return set()

    def draw_graph(self, kind, depth):
        """A dict whose values speak of its keys."""
        keys = (
            self.pick((["A", "B", "C", "D"], ["a", "b", "c"]))
            if kind[1] == STR
            else [self.draw(kind[1], depth + 1) for _ in range(3)]
        )
        found = {}
        for key in keys[: self.random.randint(1, len(keys))]:
            chosen = [k for k in keys if self.random.random() < 0.5]
            if kind[2][0] == "dict":
                found[key] = {k: self.draw(kind[2][2], depth + 2) for k in chosen}
            else:
                found[key] = chosen if kind[2][0] == "list" else set(chosen)
        return found

    def draw_dict(self, kind, depth):
        inner = kind[2]
        if (
            depth == 0
            and inner[0] in ("list", "dict", "set")
            and inner[1] == kind[1]
            and self.random.random() < 0.6
        ):
            return self.draw_graph(kind, depth)
        found = {}
        for _ in range(self.random.randint(0, 4 if depth == 0 else 2)):
            key = (
                self.pick(self.pool.keys)
                if self.pool.keys and kind[1] == STR and self.random.random() < 0.5
                else self.draw(kind[1], depth + 1)
            )
            with contextlib.suppress(TypeError):
                found[key] = self.draw(kind[2], depth + 1)
        return found

    def draw_record(self, kind, depth):
        found = {key: self.draw(part, depth + 1) for key, part in kind[1]}
        if found and self.random.random() < 0.12:
            found.pop(self.pick(list(found)))
        return found

    # -- texts ---------------------------------------------------------------

    def draw_str(self, kind, depth):
        chance = self.random.random()
        pool = self.pool
        if depth and chance < 0.35:
            return self.pick(WORDS)
        if self.pattern_texts and chance < 0.3:
            return (
                self.vary_text(self.pick(self.pattern_texts))
                if chance < 0.1
                else self.pick(self.pattern_texts)
            )
        if pool.formats and chance < 0.5:
            return self.date_text(self.pick(pool.formats))
        if pool.alphabet and chance < 0.3:
            return self.of_alphabet(pool.alphabet)
        if pool.separators and chance < 0.55:
            return self.separated()
        if self.sample_texts and chance < 0.65:
            return self.vary_text(self.pick(self.sample_texts))
        if pool.strings and chance < 0.75:
            return self.near_literal()
        if self.numeral and chance < 0.9:
            return self.pick(NUMERALS)
        if chance < 0.8:
            letters = self.pick(
                ("ab", "abc", "aAbB", "abcdefghij", "aeiouxyz", "0123456789", "a1 B", "AEIbcd")
            )
            return "".join([self.pick(letters) for _ in range(self.random.randint(1, 8))])
        if chance < 0.9:
            return self.vary_text(self.pick(TEXTS))
        return " ".join([self.pick(WORDS) for _ in range(self.random.randint(1, 4))])

    def of_alphabet(self, letters):
        """Characters that the code asks for, mixed with a few that it does not."""
        if self.random.random() < 0.4:
            pairs = [c for c in letters if c in BRACKETS or c in BRACKETS.values()]
            letters = pairs or letters
        elif self.random.random() < 0.5:
            letters = [*letters, *self.pick(("a", "xY", "b ", "Z9", "kQ"))]
        return "".join([self.pick(letters) for _ in range(self.random.randint(1, 10))])

    def separated(self, outer=None):
        """Parts with a separator between them, which may have parts themselves."""
        separators = [s for s in self.pool.separators if s != outer] or self.pool.separators
        separator = self.pick(separators)
        letters = [c for c in self.pool.alphabet if c not in self.pool.separators]
        count = self.pick((1, 2, 2, 2, 3, 3, 4, 5))
        if self.pool.parts and self.random.random() < 0.85:
            count = self.pick(self.pool.parts)
        atoms = []
        for _ in range(count):
            chance = self.random.random()
            if outer is None and len(separators) > 1 and chance < 0.35:
                atoms.append(self.separated(separator))
            elif self.numeral and chance < 0.65:
                atoms.append(str(self.random.randint(0, 12)))
            elif self.numeral and letters and chance < 0.92:
                atoms.append(self.pick(letters))
            elif chance < 0.25 and self.pool.strings:
                atoms.append(self.pick(self.pool.strings))
            elif chance < 0.5 and len(letters) > 1:
                atoms.append(self.of_alphabet(letters))
            elif chance < 0.56:
                atoms.append("")
            elif chance < 0.85:
                atoms.append(self.pick("abcAB12"))
            else:
                atoms.append(self.pick(WORDS))
        if len(atoms) > 1 and self.random.random() < 0.4:
            atoms[-1] = atoms[0]
        return separator.join(atoms)

    def near_literal(self):
        text = self.pick(self.pool.strings)
        if self.random.random() < 0.35:
            return text
        if self.random.random() < 0.35:
            return text + self.pick(self.pool.strings)
        if self.random.random() < 0.4:
            return self.pick(WORDS + ["a", "Z", "1", " "]) + text
        return self.vary_text(text)

    def date_text(self, form):
        import datetime

        year, month, day = self.pick(DATES)
        moment = datetime.datetime(
            year, month, day, self.pick((0, 9, 12, 23)), self.pick((0, 30, 59))
        )
        return moment.strftime(form)

    def vary_text(self, text):
        chance = self.random.random()
        if not text:
            return self.pick(("a", " ", "x1"))
        at = int(self.random.random() * len(text))
        if chance < 0.2:
            return text[:at] + text[at + 1 :]
        if chance < 0.35:
            return text[:at] + text[at] + text[at:]
        if chance < 0.5:
            return text[:at] + self.pick(self.pool.alphabet or list("aZ5 ")) + text[at + 1 :]
        if chance < 0.6:
            return text.swapcase()
        if chance < 0.68:
            return text[::-1]
        if chance < 0.76:
            return text + text[::-1]
        if chance < 0.84:
            return text + self.pick(self.pool.separators or [" "]) + text
        if chance < 0.92:
            return text + self.pick(list("aB1! ") + self.pool.alphabet)
        return text.upper()

    def vary_list(self, items, element):
        items = list(items)
        chance = self.random.random()
        at = int(self.random.random() * len(items)) if items else 0
        if not items or chance < 0.2:
            items.insert(at, self.draw(element, 1))
        elif chance < 0.4:
            del items[at]
        elif chance < 0.65:
            items[at] = self.vary(items[at], element)
        elif chance < 0.75:
            items.reverse()
        elif chance < 0.85:
            other = int(self.random.random() * len(items))
            items[at], items[other] = items[other], items[at]
        else:
            items.append(items[at])
        return items

    def vary(self, value, kind):
        """A neighbour of a value."""
        of = type(value)
        if of is bool or value is None or of is Raw:
            return self.draw(kind, 1)
        if of is int:
            return self.pick(
                (value + 1, value - 1, -value, value * 2, value + 2, value // 2, value + 10)
            )
        if of is float:
            return self.pick(
                (
                    value + 1,
                    value - 1,
                    -value,
                    value / 2,
                    round(value + 0.1, 10),
                    round(value - 0.1, 10),
                )
            )
        if of is str:
            return self.vary_text(value)
        if of is list:
            return self.vary_list(value, kind[1] if kind[0] == "list" else self.kind_inside(value))
        if of is tuple and value:
            at = int(self.random.random() * len(value))
            inner = (
                kind[1 + at]
                if kind[0] == "tuple" and at + 1 < len(kind)
                else kind_of_value(value[at])
            )
            return (*value[:at], self.vary(value[at], inner), *value[at + 1 :])
        if of is dict and value:
            key = self.pick(list(value))
            changed = dict(value)
            if self.random.random() < 0.25:
                del changed[key]
            else:
                changed[key] = self.vary(changed[key], kind_of_value(changed[key]))
            return changed
        return self.draw(kind)

    def kind_inside(self, value):
        return kind_of_value(value[0]) if value else INT

    # -- the first values of a kind ------------------------------------------

    def basics(self, kind):
        """The values that every engineer would try first, in that order."""
        pool = self.pool
        of = kind[0]
        samples = [v for v in pool.samples if fits(v, kind)]
        if of == "int":
            return unique(samples[:12] + SMALL_INTS + self.int_constants + OTHER_INTS)
        if of == "float":
            return unique(samples[:12] + FLOATS + self.float_constants)
        if of == "number":
            return unique(
                samples[:12]
                + SMALL_INTS[:12]
                + self.int_constants[:20]
                + FLOATS[:9]
                + self.float_constants[:12]
                + OTHER_INTS[:8]
            )
        if of == "str":
            found = samples[:12] + TEXTS[:12]
            if pool.separators:
                found += [self.separated() for _ in range(12)]
            for text in pool.strings[:24]:
                found += [text, text.swapcase(), text + "x", text[:-1]]
            if self.numeral:
                found += NUMERALS
            return unique(found + TEXTS[12:] + self.pattern_texts)
        if of == "bool":
            return [True, False]
        if of == "none":
            return [None]
        if of == "choice":
            return list(kind[1])
        if of == "union":
            return unique(list(interleave([self.basics(part)[:25] for part in kind[1:]])))
        if of == "enum":
            return [
                Raw(f"{kind[1]}.{name}")
                for name in getattr(self.speller.namespace.get(kind[1]), "__members__", ())
            ]
        if of == "callable":
            return [Raw(text) for text in CALLABLES.get(kind[1], CALLABLES[1])]
        if of == "list":
            found = [list(v) for v in samples[:12]]
            if kind[1] in (INT, NUMBER, ANY):
                found += INT_FAMILIES
                if kind[1] == NUMBER:
                    found += [[1.5, 2.5], [0.5, -0.5, 3.0], [1, 2.5, 3]]
            elif kind[1] == FLOAT:
                found += [
                    [v / 2 if i % 3 == 0 else float(v) for i, v in enumerate(values)]
                    for values in INT_FAMILIES
                ]
                found += [[c] for c in self.float_constants[:24]]
            elif kind[1] == STR:
                found += WORD_FAMILIES + [[t] for t in pool.strings[:8]]
            else:
                found += [[]] + [[v] for v in self.basics(kind[1])[:6]]
            return unique(found + [self.draw(kind) for _ in range(12)])
        if of == "tuple*":
            return [tuple(v) for v in self.basics(("list", kind[1]))]
        if of == "set":
            return unique(
                [
                    set(v)
                    for v in self.basics(("list", kind[1] if kind[1] != ANY else INT))
                    if hashable(v)
                ]
            )
        return unique(
            samples[:8] + ([{}] if of == "dict" else []) + [self.draw(kind) for _ in range(24)]
        )

    # -- one parameter in view of another --------------------------------------

    def related(self, kind, other):
        """A value that has to do with another argument: an element, its length, a part, a copy."""
        of = type(other)
        options = []
        if kind[0] in ("int", "number", "float"):
            if of in (int, float):
                options = [
                    other,
                    other + 1,
                    other - 1,
                    other * 2,
                    -other,
                    other // 2 if of is int else other / 2,
                ]
            elif of in (list, tuple, str) and other:
                options = [len(other), len(other) - 1, len(other) + 1, len(other) // 2, 1]
                numbers = [v for v in other if type(v) in (int, float)] if of is not str else []
                if len(numbers) == len(other):
                    options += [
                        sum(numbers),
                        sum(numbers) - 1,
                        sum(numbers) + 1,
                        max(numbers),
                        min(numbers),
                        *numbers[:3],
                    ]
                elif of is not str and type(other[0]) is list and other[0]:
                    options += [self.pick(other[0]), self.pick(self.pick(other) or other[0])]
            elif of is dict and other:
                options = [v for v in [*other, *other.values()] if type(v) in (int, float)]
        elif kind[0] == "str":
            if of is str and other:
                start = int(self.random.random() * len(other))
                stop = start + self.pick((1, 1, 2, 3))
                mixed = "".join(self.random.sample(other, len(other)))
                options = [
                    other,
                    other[start:stop],
                    other[::-1],
                    mixed,
                    other + other,
                    other[:1] * len(other),
                    self.vary_text(other),
                    other[-2:],
                ]
            elif of in (list, tuple, dict, set):
                options = [v for v in sorted(other, key=repr) if type(v) is str]
                options += [o[:1] for o in options]
        elif kind[0] in ("list", "tuple*") and of in (list, tuple):
            items = list(other)
            options = [
                items,
                items[::-1],
                self.random.sample(items, len(items)),
                items[:-1],
                items[1:],
                items + items[:1],
            ]
            if items:
                options.append(self.vary_list(items, self.kind_inside(items)))
            options = [o if kind[0] == "list" else tuple(o) for o in options]
        elif kind[0] == "any":
            options = (
                sorted(other, key=repr)[:6]
                if of in (dict, set)
                else list(other[:6])
                if of in (list, tuple)
                else [other]
            )
        elif kind[0] == "dict" and of is dict:
            options = [dict(other), self.vary(other, kind) if other else {}]
        elif kind[0] == "set" and of is set:
            options = [set(other), set(sorted(other, key=repr)[:1])]
        options = [o for o in options if fits(o, kind)]
        return self.pick(options) if options else self.draw(kind)


def unique(values):
    found, seen = [], set()
    for value in values:
        key = (type(value), repr(value))
        if key not in seen:
            seen.add(key)
            found.append(value)
    return found


def interleave(lists):
    for row in itertools.zip_longest(*lists, fillvalue=interleave):
        for value in row:
            if value is not interleave:
                yield value


def hashable(values):
    try:
        set(values)
    except TypeError:
        return False
    return True


def fits(value, kind):
    """Whether a value is of a kind, as far as plain data goes."""
    of, kind_name = type(value), kind[0]
    if kind_name == "any":
        return True
    if kind_name == "union":
        return any(fits(value, part) for part in kind[1:])
    if kind_name == "number":
        return of in (int, float)
    if kind_name == "float":
        return of is float or of is int
    if kind_name in ("int", "str", "bool", "bytes"):
        return of.__name__ == kind_name
    if kind_name == "none":
        return value is None
    if kind_name in ("list", "set"):
        return of.__name__ == kind_name and all(fits(v, kind[1]) for v in value)
    if kind_name == "tuple*":
        return of is tuple and all(fits(v, kind[1]) for v in value)
    if kind_name == "tuple":
        return of is tuple and len(value) == len(kind) - 1 and all(map(fits, value, kind[1:]))
    if kind_name == "dict":
        return of is dict and all(fits(k, kind[1]) and fits(v, kind[2]) for k, v in value.items())
    if kind_name == "record":
        return of is dict and set(value) <= {key for key, _ in kind[1]}
    return False


def text_matching(pattern, generator):
    """A text that a regular expression matches; None for what is not understood here."""
    try:
        parser = re._parser if hasattr(re, "_parser") else __import__("sre_parse")
        tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    return "".join(matching_parts(tree, generator, {}))[:80]


CLASS_LETTERS = {
    "CATEGORY_DIGIT": "0123456789",
    "CATEGORY_WORD": "abcXYZ_09",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "abX-",
    "CATEGORY_NOT_WORD": "-. !",
    "CATEGORY_NOT_SPACE": "abX1",
}


def matching_parts(tree, generator, groups):
    for operation, argument in tree:
        name = str(operation)
        if name == "LITERAL":
            yield chr(argument)
        elif name in ("ANY", "NOT_LITERAL"):
            yield generator.choice("abcX1 ")
        elif name == "IN":
            yield generator.choice(letters_of(argument))
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, part = argument
            for _ in range(generator.randint(int(low), min(int(high), int(low) + 3))):
                yield from matching_parts(part, generator, groups)
        elif name == "SUBPATTERN":
            text = "".join(matching_parts(argument[-1], generator, groups))
            groups[argument[0]] = text
            yield text
        elif name == "BRANCH":
            yield from matching_parts(generator.choice(argument[1]), generator, groups)
        elif name == "GROUPREF":
            yield groups.get(argument, "")


def letters_of(parts):
    letters, negated = [], False
    for operation, argument in parts:
        name = str(operation)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            letters.append(chr(argument))
        elif name == "RANGE":
            low, high = argument
            letters += [chr(c) for c in range(low, min(high, low + 40) + 1)]
        elif name == "CATEGORY":
            letters += CLASS_LETTERS.get(str(argument), "a")
    if negated:
        letters = [c for c in "aZ5 -_.,!" if c not in letters] or ["~"]
    return letters or ["a"]
