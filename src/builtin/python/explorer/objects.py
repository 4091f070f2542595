"""The search for lives of objects: a constructor, then calls in an order that means something."""

MOST_LIVES = 420
LIFE_LENGTH = 7
OPERATORS = {
    "__len__": "len(…)", "__str__": "str(…)", "__repr__": "repr(…)", "__bool__": "bool(…)", "__iter__": "list(…)",
    "__int__": "int(…)", "__float__": "float(…)", "__hash__": None, "__contains__": "… in …", "__getitem__": "…[…]",
    "__add__": "… + …", "__sub__": "… - …", "__mul__": "… * …", "__truediv__": "… / …", "__eq__": "… == …",
    "__lt__": "… < …", "__le__": "… <= …", "__gt__": "… > …", "__ge__": "… >= …", "__neg__": "-…", "__abs__": "abs(…)",
    "__floordiv__": "… // …", "__mod__": "… % …", "__pow__": "… ** …", "__and__": "… & …", "__or__": "… | …",
    "__call__": None,
}  # fmt: skip
SAME_KIND = {
    "__add__",
    "__sub__",
    "__eq__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__and__",
    "__or__",
}
SHORT_TEXTS = ["a", "b", "c", "apple", "Bob"]
SCALARS = (
    "int",
    "float",
    "str",
    "bool",
    "NoneType",
    "bytes",
    "Decimal",
    "Fraction",
    "date",
    "datetime",
)
LOOKS = ("__len__", "__str__", "__iter__", "__bool__")


class ObjectTarget:
    """A class of the module, and the search for lives of its objects."""

    def __init__(self, shell, world):
        self.shell, self.world = shell, world
        self.path = self.name = shell.name
        self.explored, self.keys, self.covered = [], set(), set()
        self.spent = self.calls = self.stopped = 0
        self.refused = {}
        self.routines = inherited_routines(shell, world.reading)
        self.methods = [
            r for name, r in self.routines.items()
            if not r.is_a("staticmethod", "classmethod", "property", "cached_property", "setter", "getter")
            and (not name.startswith("_") or name == "__call__")
        ]  # fmt: skip
        self.operators = [r for name, r in self.routines.items() if OPERATORS.get(name)]
        self.properties = [
            r.name for r in self.routines.values() if r.is_a("property", "cached_property")
        ]
        self.attributes = public_attributes(shell, self.routines)
        self.changing = attributes_set_later(self.routines)
        self.fixed = set()  # attributes that stay what the constructor made them
        self.queries = set()  # names of methods that have given something

    def explore(self, deadline):
        self.deadline = deadline
        reading = self.world.reading
        self.uses = reading.uses(self.shell.node)
        self.is_random = reading.is_random(self.shell.node)
        self.pool = read_pool(reading, self.shell.node)
        read_descriptions(reading, self.shell.node, self.pool)
        self.random = random.Random(f"{self.world.seed} {self.path}")
        self.sampler = Sampler(self.pool, self.random, self.world.instances, self.world.speller)
        self.constructor = self.world.constructor(self.shell)
        self.known_kinds = {}
        self.creations = self.create()
        self.single_calls()
        self.sequences()

    # -- parts of a life -------------------------------------------------------

    def kinds(self, routine, parameter):
        key = (routine.path, parameter.name)
        if key not in self.known_kinds:
            guesses = self.world.guesser.guesses(routine, parameter)
            declared = self.world.guesser.declared(parameter)
            if declared is not None:
                kinds = [refine(declared, guesses)]
            elif routine.name in SAME_KIND and not guesses:
                kinds = [("object", self.name)]
            else:
                kinds = guesses[:2] or [INT, STR]
            self.known_kinds[key] = kinds
        return self.known_kinds[key]

    def arguments(self, routine, used=()):
        """Arguments of one call; often ones that were used before in this life."""
        found, keywords = [], {}
        for parameter in routine.parameters:
            if parameter.star:
                continue
            if not parameter.required and self.random.random() < 0.4:
                if not parameter.keyword_only:
                    break
                continue
            kind = self.sampler.pick(self.kinds(routine, parameter))
            again = [v for v in used if fits(v, kind)]
            if again and self.random.random() < 0.6:
                value = self.sampler.pick(again)
                if self.random.random() < 0.15:
                    value = self.sampler.vary(value, kind)
            elif self.random.random() < 0.7:
                basics = self.basics(kind)
                value = basics[int(self.random.random() ** 2 * len(basics))]
            else:
                value = self.sampler.draw(kind)
            if parameter.keyword_only:
                keywords[parameter.name] = value
            else:
                found.append(value)
        return found, keywords

    def basics(self, kind):
        known = self.__dict__.setdefault("known_basics", {})
        if kind not in known:
            plain = (
                SHORT_TEXTS + self.pool.strings[:8]
                if kind == STR
                else SMALL_INTS[1:8]
                if kind == INT
                else []
            )
            known[kind] = unique(plain + self.sampler.basics(kind)[: 14 if plain else 40]) or [None]
        return known[kind]

    def create(self):
        """Constructor calls that work, and those that raise what is documented."""
        found = []
        for example in call_examples(self.world.reading, self.name)[:6]:
            found.append(Call("__init__", example.arguments, example.keywords))
        for number in range(40):
            arguments, keywords = self.arguments(self.constructor)
            if number and not self.constructor.parameters:
                break
            found.append(Call("__init__", arguments, keywords))
        working = []
        for call in found:
            entry = self.attempt(call, [])
            if entry is not None and not entry.outcome.steps[0].error:
                working.append(call)
        return working[:16]

    def looks(self, lived=True):
        """What can be seen of an object without calling its methods."""
        names = [n for n in self.attributes if not lived or n not in self.fixed] + self.properties
        found = [Call(name, style="attribute") for name in names]
        found += [Call(r.name, style=OPERATORS[r.name]) for r in self.operators if r.name in LOOKS]
        return found[:6]

    def method_call(self, routine, used):
        arguments, keywords = self.arguments(routine, used)
        if routine.name in OPERATORS and OPERATORS[routine.name]:
            return Call(routine.name, arguments, keywords, OPERATORS[routine.name])
        return Call(routine.name, arguments, keywords, "await" if routine.is_async else "call")

    # -- lives -----------------------------------------------------------------

    def single_calls(self):
        for creation in self.creations[:2]:
            entry = self.attempt(creation, self.looks(lived=False))
            for call, step in zip(entry.case.calls, entry.outcome.steps[1:]) if entry else ():
                if (
                    call.style == "attribute"
                    and call.name not in self.changing
                    and step.kind in SCALARS
                ):
                    self.fixed.add(call.name)
        for routine in [*self.methods, *self.operators]:
            tries = 14 if routine.parameters else 2
            for number in range(tries):
                if not self.creations:
                    return
                creation = self.creations[number % len(self.creations)]
                call = self.method_call(routine, creation.arguments)
                self.attempt(
                    creation, [call] if routine in self.operators else [call, *self.looks()]
                )

    def sequences(self):
        routines = [*self.methods, *self.methods, *self.operators]
        if not self.creations or not routines:
            return
        pairs = (
            list(itertools.product(self.methods, self.methods)) if len(self.methods) <= 9 else []
        )
        for number in range(MOST_LIVES):
            if self.calls >= MOST_LIVES or self.spent > TARGET_STEPS:
                return
            creation = self.sampler.pick(self.creations)
            calls, used = [], list(creation.arguments)
            if number < len(pairs):
                chosen = pairs[number]
            else:
                parents = [e for e in self.explored if e.classes[-1] and e.case.calls]
                chosen = [
                    self.sampler.pick(routines) for _ in range(self.random.randint(2, LIFE_LENGTH))
                ]
                if parents and self.random.random() < 0.5:
                    parent = self.sampler.pick(parents).case
                    creation, chosen = parent.creation, chosen[:3]
                    calls = [c for c in parent.calls if c.style in ("call", "await")]
                    used += [v for c in calls for v in c.arguments]
            for routine in chosen:
                call = self.method_call(routine, used)
                used += call.arguments
                calls.append(call)
            calls = calls[-LIFE_LENGTH:]
            self.attempt(creation, [*calls, *self.questions(calls), *self.looks()])

    def questions(self, calls):
        """Calls that ask for what earlier calls of a life have left behind."""
        if self.random.random() < 0.4:
            return []
        asking = [r for r in self.methods if r.name in self.queries and r.parameters]
        if not asking:
            return []
        routine = self.sampler.pick(asking)
        first = self.kinds(routine, routine.parameters[0])[0]
        used = unique(
            [c.arguments[0] for c in calls if c.arguments and fits(c.arguments[0], first)]
        )
        if len([p for p in routine.parameters if p.required]) > 1:
            return []
        return [
            Call(routine.name, [value], None, "await" if routine.is_async else "call")
            for value in used[:3]
        ]

    def attempt(self, creation, calls):
        try:
            case = ObjectCase(self, creation, calls, self.world.speller)
        except (Unshowable, SyntaxError, RecursionError, ValueError):
            return None
        if case.key in self.keys or case.size > 700:
            return None
        self.keys.add(case.key)
        self.calls += 1
        if clock() > self.deadline:
            raise OutOfTime
        outcome = self.world.run_probed(case, FIRST_LIMIT)
        self.spent += outcome.spent
        self.stopped += outcome.status == STOPPED
        if outcome.status == REFUSED:
            self.refused[outcome.why] = self.refused.get(outcome.why, 0) + 1
        if outcome.status != OK:
            return None
        # What comes after a step that raised unexpectedly was not run: leave it out.
        if len(outcome.steps) <= len(calls):
            case.cut(len(outcome.steps) - 1)
        self.queries |= {
            c.name for c, s in zip(calls, outcome.steps[1:]) if s.text not in (None, "None", ITSELF)
        }
        entry = Explored(case, outcome, len(self.explored))
        if not case.calls and not outcome.steps[0].error:
            return entry  # nothing to assert
        fresh = entry.reach - self.covered
        self.covered |= entry.reach
        entry.classes = (*entry.classes, bool(fresh))
        self.explored.append(entry)
        for seen in outcome.operands.values():
            for value in itertools.chain.from_iterable(seen):
                if len(self.sampler.learned) < 40 and value not in self.sampler.learned:
                    self.sampler.learned.append(value)
        return entry


def inherited_routines(shell, reading, depth=0):
    """Routines of a class and of its bases in the source."""
    found = {}
    for base in shell.bases if depth < 5 else ():
        if base in reading.classes:
            found.update(inherited_routines(reading.classes[base], reading, depth + 1))
    found.update(shell.routines)
    return found


def public_attributes(shell, routines):
    """Names without underscore that the methods assign on `self`, and fields."""
    found = [f.name for f in shell.fields if not f.name.startswith("_")]
    for routine in routines.values():
        if routine.is_a("staticmethod", "classmethod"):
            continue
        for node in ast.walk(routine.node):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                if isinstance(node.value, ast.Name) and node.value.id == "self":
                    if (
                        not node.attr.startswith("_")
                        and node.attr not in found
                        and node.attr not in routines
                    ):
                        found.append(node.attr)
    return found


def attributes_set_later(routines):
    """Attributes of any object that methods other than the constructor set."""
    return {
        node.attr
        for name, routine in routines.items()
        if name not in ("__init__", "__post_init__")
        for node in ast.walk(routine.node)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del))
    }


def is_stateless(shell, routines):
    """Whether objects of a class hold nothing: then each method is tested like a function."""
    if "__init__" in shell.routines or shell.fields or shell.bases or not routines:
        return False
    return not public_attributes(shell, routines) and not any(
        isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        for node in ast.walk(shell.node)
    )
