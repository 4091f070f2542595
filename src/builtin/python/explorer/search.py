"""The search: run inputs of each kind, keep what reaches something new, vary that."""

FIRST_LIMIT = 30_000  # steps of one call; raised when a target needs more
TARGET_STEPS = 1_200_000  # steps for the search of one target
MOST_CALLS = 700
PROBE_CALLS = 6
HOPELESS = 40  # calls without an end, after which more steps are allowed; then so many more
LAST_CHANCES = 8
PATIENT_CALLS, PATIENT_LIMIT = 3, 2_000_000
REFUSALS = 12  # calls that reached outside of the program, after which a target is given up


class Explored:
    """A case with its outcome on the program as it is."""

    __slots__ = ("case", "outcome", "reach", "classes", "kills", "order")

    def __init__(self, case, outcome, order):
        self.case, self.outcome, self.order = case, outcome, order
        # How often matters for loops; in lives of objects it only says how long they are.
        often = bucket if isinstance(case, FunctionCase) else bool
        self.reach = frozenset(
            [("line", n, often(c)) for n, c in outcome.counts.items()]
            + [("way", *way, often(c)) for way, c in outcome.ways.items()]
        )
        self.classes = (classes_of_arguments(case), classes_of_steps(outcome))
        self.kills = set()


def bucket(count):
    return count if count < 3 else 3 if count < 8 else 8


def classes_of_arguments(case):
    if isinstance(case, FunctionCase):
        return tuple(map(class_of_value, (*case.arguments, *case.keywords.values())))
    return tuple((call.name, *map(class_of_value, call.arguments)) for call in case.calls)


def classes_of_steps(outcome):
    found = []
    for step in outcome.steps:
        if step.error:
            found.append(step.error)
        elif step.kind in ("int", "float"):
            found.append(
                (step.kind, step.text[:1] == "-", min(len(step.text), 4), step.text in ("0", "1"))
            )
        else:
            found.append(
                (step.kind, bucket(len(step.text) // 4), step.text if len(step.text) < 6 else "")
            )
    return tuple(found)


def class_of_value(value):
    """What sort of value this is, as a person would name it; the same for like ones."""
    kind = type(value)
    if kind is bool or value is None:
        return repr(value)
    if kind is int or kind is float:
        if value == 0:
            return "zero"
        size = "" if kind is int else "fraction " if value % 1 else "float "
        sign = "negative " if value < 0 else ""
        return (
            sign
            + size
            + (
                "one"
                if value == 1
                else "small"
                if abs(value) < 10
                else "medium"
                if abs(value) < 100
                else "large"
            )
        )
    if kind is str:
        if not value:
            return "empty text"
        if len(value) == 1:
            return "one character"
        shape = (
            "digits"
            if value.isdigit()
            else "letters"
            if value.isalpha()
            else "words"
            if " " in value
            else "signs"
        )
        case = "upper" if value.isupper() else "lower" if value.islower() else "mixed"
        mirrored = " mirrored" if value == value[::-1] else ""
        return f"{case} {shape}{mirrored}" + (" long" if len(value) > 8 else "")
    if kind in (list, tuple):
        if not value:
            return f"empty {kind.__name__}"
        if len(value) == 1:
            return f"one element of {class_of_value(value[0])}"
        length = 2 if len(value) == 2 else 4 if len(value) < 5 else "many"
        return f"{length} {order_of(value)} of {class_of_value(value[0])}"
    if kind in (dict, set):
        return f"{kind.__name__} of {min(len(value), 3)}"
    # Of expressions only their build counts.
    return re.sub(r"(?<![\w])-?\d[\d.]*|\"[^\"]*\"", "_", str(value))[:80]


def order_of(values):
    """How the elements of a list stand to each other."""
    try:
        keyed = list(values)
        repeated = len(set(map(repr, keyed))) < len(keyed)
        if len(set(map(repr, keyed))) == 1:
            return "equal elements"
        name = "with repetition" if repeated else ""
        if keyed == sorted(keyed):
            return f"ascending {name}".strip()
        if keyed == sorted(keyed, reverse=True):
            return f"descending {name}".strip()
        if keyed == keyed[::-1]:
            return "mirrored"
        if repeated:
            return "repeated elements"
        if all(type(v) in (int, float) for v in keyed):
            if all(v < 0 for v in keyed):
                return "all negative"
            if any(v < 0 for v in keyed):
                return "negative and positive"
        return "unordered"
    except TypeError:
        return "mixed"


class Budget:
    """The explorer's time. Work is bounded by counts; the clock only ends what got out of hand."""

    def __init__(self, seconds):
        self.started = clock()
        self.end = self.started + seconds

    def check(self):
        if clock() > self.end:
            raise OutOfTime

    def part(self, share):
        """The moment at which so much of what is left is spent."""
        now = clock()
        return now + max(self.end - now, 0) * share


class FunctionTarget:
    """A function of the module, and the search for its inputs."""

    def __init__(self, routine, world, callee=None):
        self.routine, self.world = routine, world
        self.path, self.name = routine.path, routine.name
        self.called = callee or routine.path
        self.callee = compile(self.called, "<callee>", "eval", 0, True)
        self.explored = []
        self.keys = set()
        self.covered = set()
        self.best_gap = {}
        self.limit = FIRST_LIMIT
        self.unfinished = []  # cases that were stopped
        self.spent = self.calls = self.stopped = 0
        self.refused = {}
        self.parameters = [p for p in routine.parameters if p.star != "**"]

    def explore(self, deadline):
        reading = self.world.reading
        self.deadline = deadline
        self.uses = reading.uses(self.routine.node)
        self.is_random = reading.is_random(self.routine.node)
        self.pool = read_pool(reading, self.routine.node)
        read_descriptions(reading, self.routine.node, self.pool)
        self.random = random.Random(f"{self.world.seed} {self.path}")
        self.sampler = Sampler(self.pool, self.random, self.world.instances, self.world.speller)
        text = ast.dump(
            ast.Module(
                [
                    s
                    for s in reading.reachable(self.routine.node)
                    if s is self.routine.node or isinstance(s, ast.FunctionDef)
                ],
                [],
            )
        )
        self.sampler.numeral = (
            any(f"Name(id='{n}'" in text for n in ("int", "float", "Decimal"))
            or "isdigit" in text
            or "isnumeric" in text
        )
        self.examples = self.read_examples()
        self.seed()
        if not self.parameters:
            self.attempt([], {}, "plain")
            return
        self.settle_kinds()
        self.try_basics()
        self.vary()
        self.be_patient()

    def read_examples(self):
        found = []
        for example in call_examples(self.world.reading, self.name):
            positional = [p for p in self.parameters if not p.keyword_only and not p.star]
            if len(example.arguments) <= len(positional) or any(p.star for p in self.parameters):
                found.append(example)
        return found[:20]

    def seed(self):
        for example in self.examples[:12]:
            arguments, keywords = list(example.arguments), dict(example.keywords)
            # Give keywords their places, so that all calls of the target look alike.
            for parameter in self.parameters[len(arguments) :]:
                if parameter.name in keywords and not parameter.keyword_only and not parameter.star:
                    arguments.append(keywords.pop(parameter.name))
                else:
                    break
            self.attempt(arguments, keywords, "example")

    def settle_kinds(self):
        """Decide what kinds each parameter takes; try them out where nothing declares it."""
        self.kinds = []
        self.weak = set()  # positions of parameters of which nothing is known
        guesser = self.world.guesser
        undeclared = []
        for index, parameter in enumerate(self.parameters):
            shown = [
                e.arguments[index]
                for e in self.examples
                if index < len(e.arguments) and not parameter.star
            ]
            shown += [
                e.keywords[parameter.name] for e in self.examples if parameter.name in e.keywords
            ]
            guesses = guesser.guesses(self.routine, parameter, shown)
            declared = guesser.declared(parameter)
            if declared is not None:
                self.kinds.append([refine(declared, guesses)])
            else:
                self.kinds.append(guesses or [INT])
                if not guesser.gather(self.routine).kinds((parameter.name,)) and not shown:
                    self.weak.add(index)
                if (
                    guesses
                    and not shown
                    and (parameter.name,) in guesser.gather(self.routine).certain
                ):
                    self.kinds[index] = guesses[:1]
                else:
                    undeclared.append((index, shown))
        for index, shown in undeclared:
            self.kinds[index] = self.probe(index, bool(shown))

    def probe(self, index, shown):
        """Try kinds for one parameter, the others as they are taken for now."""
        options = list(self.kinds[index])
        if not shown:
            for kind in (
                INT,
                STR,
                ("list", INT),
                ("list", STR),
                ("dict", STR, INT),
                FLOAT,
                ("list", ("list", INT)),
                ("list", ("tuple", INT, INT)),
                CALLABLE,
            ):
                if kind not in options and not (kind == FLOAT and NUMBER in options):
                    options.append(kind)
        scored, tried, before = [], [], list(self.explored)
        for rank, kind in enumerate(options[:12]):
            good, reached, first = 0, set(), len(self.explored)
            for number in range(PROBE_CALLS):
                good_before = [e.case.arguments for e in before if not e.outcome.last.error]
                arguments = []
                for position in range(len(self.parameters)):
                    basics = self.basics(kind if position == index else self.kinds[position][0])
                    arguments.append(basics[(number * (2 + position) + 1) % len(basics)])
                if good_before and len(good_before[0]) == len(arguments) and number % 2:
                    arguments = [
                        *good_before[-1][:index],
                        arguments[index],
                        *good_before[-1][index + 1 :],
                    ]
                outcome = self.attempt_values(arguments, "probe")
                if outcome is None:
                    continue
                if outcome.status == STOPPED:
                    good += 0.3
                elif outcome.status == OK and not outcome.last.error:
                    good += 1
                elif outcome.status == OK and outcome.last.documented:
                    good += 0.4
                elif outcome.status == OK and outcome.last.error not in (
                    "TypeError",
                    "AttributeError",
                ):
                    good += 0.3
                if outcome.ways is not None:
                    reached |= set(outcome.ways) | set(outcome.counts)
            scored.append(
                (
                    good / PROBE_CALLS
                    + 0.1 * len(reached) / (len(self.world.program.lines) + 1)
                    - 0.07 * rank,
                    good,
                    kind,
                )
            )
            tried.append((kind, self.explored[first:]))
        scored.sort(key=lambda entry: -entry[0])
        best = scored[0]
        keep = [
            kind
            for score, good, kind in scored
            if good >= 0.4 * PROBE_CALLS and score > best[0] - 0.3 and kind in self.kinds[index]
        ]
        kept = (keep or [best[2]])[:2]
        # What was tried with kinds that are not meant is no example of use.
        self.explored = before + [e for kind, entries in tried if kind in kept for e in entries]
        self.covered = set().union(*[e.reach for e in self.explored])
        return kept

    def basics(self, kind):
        known = self.__dict__.setdefault("known_basics", {})
        if kind not in known:
            known[kind] = self.sampler.basics(kind) or [None]
        return known[kind]

    # -- running -------------------------------------------------------------

    def attempt_values(self, values, origin):
        """Run with one value for each parameter."""
        arguments, keywords = [], {}
        for parameter, value in zip(self.parameters, values):
            if parameter.star == "*":
                arguments += list(value) if isinstance(value, (list, tuple)) else [value]
            elif parameter.keyword_only:
                keywords[parameter.name] = value
            else:
                arguments.append(value)
        return self.attempt(arguments, keywords, origin)

    def attempt(self, arguments, keywords, origin):
        """Run one case, unless it is known; note what it reached."""
        try:
            case = FunctionCase(self, arguments, keywords, self.world.speller, origin)
        except (Unshowable, SyntaxError, RecursionError, ValueError):
            return None
        if case.key in self.keys or case.size > 400:
            return None
        self.keys.add(case.key)
        self.calls += 1
        if clock() > self.deadline:
            raise OutOfTime
        outcome = self.world.run_probed(case, self.limit)
        self.spent += outcome.spent
        if outcome.status == STOPPED:
            self.stopped += 1
            self.unfinished.append(case)
        if outcome.status == REFUSED:
            self.refused[outcome.why] = self.refused.get(outcome.why, 0) + 1
        if outcome.status == OK:
            self.note(case, outcome)
        elif not self.explored:
            self.reconsider(outcome)
        return outcome

    def reconsider(self, outcome):
        """Allow more steps, or give up, while no call has come to a good end."""
        if self.limit == FIRST_LIMIT and self.stopped >= HOPELESS:
            self.limit *= 12
        elif self.stopped >= HOPELESS + LAST_CHANCES or sum(self.refused.values()) >= REFUSALS:
            raise OutOfTime
        elif self.stopped > 2 and outcome.seconds >= CALL_SECONDS:
            raise OutOfTime  # nothing that is counted: it waits, or works inside the interpreter

    def note(self, case, outcome):
        entry = Explored(case, outcome, len(self.explored))
        fresh = entry.reach - self.covered
        if fresh:
            self.covered |= entry.reach
        for number, gap in outcome.distances.items():
            if gap < self.best_gap.get(number, math.inf):
                self.best_gap[number] = gap
                fresh = True
        for seen in outcome.operands.values():
            for pair in seen:
                for value in pair:
                    if len(self.sampler.learned) < 60 and value not in self.sampler.learned:
                        if type(value) is not str or 0 < len(value) < 20:
                            self.sampler.learned.append(value)
        entry.classes = (*entry.classes, bool(fresh))
        self.explored.append(entry)

    def exhausted(self):
        return self.spent > TARGET_STEPS or self.calls >= MOST_CALLS

    def try_basics(self):
        """The obvious values: all combinations if these are few, else a spread of pairs."""
        lists = [list(interleave([self.basics(kind) for kind in kinds])) for kinds in self.kinds]
        total = math.prod(len(values) for values in lists)
        if total <= 160:
            for values in itertools.product(*lists):
                if self.exhausted():
                    return
                self.attempt_values(values, "basic")
            return
        rounds = 110 if len(lists) == 1 else 170
        for number in range(rounds):
            if self.exhausted():
                return
            if number == 40 and self.stopped > 25 and self.limit == FIRST_LIMIT:
                # Most calls need longer than thought: fewer of them, with more steps each.
                self.limit *= 12
            values = []
            for position, options in enumerate(lists):
                if len(lists) == 1:
                    at = number
                    if at >= len(options):
                        return
                elif position == 0:
                    at = number % len(options)
                else:
                    at = int(self.random.random() ** 1.5 * len(options))
                values.append(options[at])
            if len(lists) > 1 and number % 2:
                self.relate(values)
            self.attempt_values(values, "basic")

    def be_patient(self):
        """Let a few of the calls that were stopped come to their end, without the probes.

        What takes long is often a result of its own: that nothing was found.
        """
        failures = 0
        for case in self.unfinished[:PATIENT_CALLS]:
            outcome = self.world.run_plain(case, PATIENT_LIMIT)
            if outcome.status == OK:
                self.note(case, outcome)
            else:
                failures += 1
                if failures > 1:
                    return

    def relate(self, values):
        """Make one argument have to do with another."""
        positions = list(range(len(values)))
        target = self.sampler.pick(positions[1:] if self.random.random() < 0.8 else positions)
        other = self.sampler.pick([p for p in positions if p != target])
        kind = ANY if target in self.weak else self.sampler.pick(self.kinds[target])
        values[target] = self.sampler.related(kind, values[other])

    def vary(self):
        """Draw at random, and vary what reached something new."""
        rounds = 260 if len(self.parameters) > 1 else 200
        for number in range(rounds):
            if self.exhausted():
                return
            parents = [
                e
                for e in self.explored
                if e.classes[-1] and len(e.case.arguments) == len(self.parameters)
            ]
            chance = self.random.random()
            if parents and chance < 0.4:
                parent = parents[-1 - int(self.random.random() ** 2 * len(parents))]
                values = list(parent.case.arguments)
                at = int(self.random.random() * len(values))
                if self.parameters[at].star or self.parameters[at].keyword_only:
                    continue
                values[at] = self.sampler.vary(values[at], self.sampler.pick(self.kinds[at]))
            else:
                values = [self.sampler.draw(self.sampler.pick(kinds)) for kinds in self.kinds]
                if len(values) > 1 and chance < 0.75:
                    self.relate(values)
            self.attempt_values(values, "drawn")
