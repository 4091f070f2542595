"""Cases: one call of a function, or one life of an object; and what came of running it."""

OK, RAISED, STOPPED, REFUSED, VAGUE = "ok", "raised", "stopped", "refused", "vague"
ITSELF = "the object itself"  # what methods that can be chained return
# What functions are called with that a call returned, by the number of their parameters.
MADE_CALLS = {
    0: ([(), (), ()],),
    1: ([(1,), (2,), (5,), (-3,)], [("a",), ("b c",), ("",)], [([3, 1, 2],), ([],)]),
    2: ([(1, 2), (5, 3), (2, 2)], [("a", "b"), ("b", "a")], [([1, 2], [3]), ([], [])]),
}  # fmt: skip
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
LOAD_SECONDS = 3.0  # wall time of loading the module
RECURSION_ROOM = 350  # frames that a test may use less than the explorer: see Runner


class Step:
    """What one call gave: a result, or an exception."""

    __slots__ = (
        "text",
        "loose",
        "kind",
        "shaped",
        "drained",
        "error",
        "message",
        "documented",
        "calls",
    )

    def __init__(self):
        self.text = self.loose = self.error = self.message = None
        self.kind = ""
        self.shaped = self.drained = self.documented = False
        self.calls = None  # arguments of calls of a function that was returned, as text

    @property
    def exact(self):
        return self.error or self.text

    @property
    def key(self):
        return (
            f"!{self.error}:{self.message if self.documented else ''}" if self.error else self.loose
        )


class Outcome:
    """What came of a case."""

    __slots__ = (
        "status",
        "steps",
        "after",
        "changed",
        "printed",
        "spent",
        "counts",
        "ways",
        "operands",
        "distances",
        "why",
        "seconds",
    )

    def __init__(self):
        self.status, self.steps, self.printed = OK, [], ""
        self.after, self.changed = None, ()  # texts of arguments; (column, shaped) of changed ones
        self.spent, self.why, self.seconds = 0, None, 0.0
        self.counts = self.ways = self.operands = self.distances = None

    @property
    def key(self):
        """Equal for outcomes that the tests written here could not tell apart."""
        return (self.status, tuple([s.key for s in self.steps]), self.after, self.printed)

    @property
    def exact(self):
        """Equal only for outcomes that are the same to the last digit."""
        return (self.key, tuple([s.exact for s in self.steps]))

    @property
    def last(self):
        return self.steps[-1]


class Call:
    """One call in a case: of a function, a method, an attribute to look at."""

    __slots__ = ("name", "arguments", "keywords", "style")

    def __init__(self, name, arguments=(), keywords=None, style="call"):
        self.name = name
        self.arguments = list(arguments)
        self.keywords = keywords or {}
        self.style = style  # "call", "attribute", or an operator: "len(…)", "str(…)"


class FunctionCase:
    """One call of a function with these arguments."""

    def __init__(self, target, arguments, keywords, speller, origin=""):
        self.target = target
        self.arguments, self.keywords = arguments, keywords
        self.origin = origin
        self.texts = [speller.spell(value) for value in arguments]
        self.keyword_texts = {name: speller.spell(value) for name, value in keywords.items()}
        given = ", ".join(self.keyword_texts.values())
        self.key = (target.path, *self.texts, *self.keyword_texts.items())
        self.size = sum(map(len, self.texts)) + len(given)
        self.code = compile(
            f"([{', '.join(self.texts)}], [{given}])", "<arguments>", "eval", 0, True
        )
        # Arguments that the call could change: displays, and what a call makes.
        self.mutable = [
            bool(re.match(r"[\[{]|[\w.]+\(", t))
            for t in (*self.texts, *self.keyword_texts.values())
        ]
        self.made = [bool(re.search(r"\w\(", t)) for t in self.texts]

    def run(self, runner, namespace, outcome):
        arguments, given = eval(self.code, namespace)
        keywords = dict(zip(self.keyword_texts, given))
        function = eval(self.target.callee, namespace)
        values = (*arguments, *given)
        # What is written as a call does not show in its text: look at it before, too.
        before = [
            runner.describe(v, namespace) if m else None for v, m in zip(arguments, self.made)
        ]
        step = Step()
        outcome.steps.append(step)
        runner.observe(step, namespace, lambda: function(*arguments, **keywords))
        if any(self.mutable):
            after = [
                runner.describe(v, namespace) if m else None for v, m in zip(values, self.mutable)
            ]
            outcome.after = tuple([found and found[0] for found in after])
            outcome.changed = [
                (column, shaped)
                for column, (found, text) in enumerate(zip(after, self.texts))
                if found is not None
                for shown, _, shaped in [found]
                if shown != (before[column][0] if self.made[column] else text)
            ]


class ObjectCase:
    """A constructor, then calls of the object's methods and looks at it, in this order."""

    def __init__(self, target, creation, calls, speller, origin=""):
        self.target = target
        self.creation, self.calls = creation, calls
        self.origin = origin
        self.variable = variable_name(target.name)
        self.created = spell_call(target.name, creation, speller)
        self.lines = [self.spell(call, speller) for call in calls]
        self.codes = [
            compile(text, "<step>", "eval", 0, True) for text in (self.created, *self.lines)
        ]
        self.key = (self.created, *self.lines)

    @property
    def size(self):
        return len(self.created) + sum(map(len, self.lines))

    def cut(self, count):
        """Keep only so many calls."""
        self.calls, self.lines, self.codes = (
            self.calls[:count],
            self.lines[:count],
            self.codes[: count + 1],
        )

    def spell(self, call, speller):
        if call.style == "attribute":
            return f"{self.variable}.{call.name}"
        if call.style in ("call", "await"):
            name = self.variable if call.name == "__call__" else f"{self.variable}.{call.name}"
            return spell_call(name, call, speller)
        parts = [self.variable, *map(speller.spell, call.arguments)]
        if call.style == "… in …":
            parts.reverse()
        pieces = call.style.split("…")
        return pieces[0] + "".join([part + piece for part, piece in zip(parts, pieces[1:])])

    def run(self, runner, namespace, outcome):
        names = {}

        def create():
            names[self.variable] = eval(self.codes[0], namespace)

        outcome.steps.append(Step())
        runner.observe(outcome.steps[0], namespace, create)
        if outcome.steps[0].error:
            return
        for code in self.codes[1:]:
            step = Step()
            outcome.steps.append(step)
            runner.observe(
                step, namespace, lambda: eval(code, namespace, names), names[self.variable]
            )
            if step.error and not step.documented:
                break


def spell_call(name, call, speller):
    parts = [speller.spell(value) for value in call.arguments]
    parts += [f"{key}={speller.spell(value)}" for key, value in call.keywords.items()]
    return f"{name}({', '.join(parts)})"


def variable_name(class_name):
    name = (
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name)
        .lower()
        .strip("_")
    )
    if (
        not name.isidentifier()
        or name in vars(builtins)
        or name == class_name
        or __import__("keyword").iskeyword(name)
    ):
        return "subject"
    return name


class Runner:
    """Runs cases in instances of the module, watched and counted."""

    def __init__(self, program, warden, meter):
        self.program = program
        self.warden, self.meter = warden, meter
        self.loop = None
        self.calls = 0
        self.depth = None  # frames below a case
        self.state = ModuleState()
        self.shape_code = compile(SHAPE_HELPER, "<shape>", "exec", 0, True)

    def load(self, codes, limit=2_000_000, names=None, chance=0):
        """A fresh instance of the module; raises what loading it raises."""
        self.warden.watch(LOAD_SECONDS)
        try:
            self.meter.begin(limit)
            if self.program.is_random:
                random.seed(chance)
            namespace = self.program.instance(codes, names)
        finally:
            self.warden.watching = False
            self.warden.rest()
        self.state.remember(namespace)
        return namespace

    def run(self, case, namespace, limit, record=False, chance=0):
        """Run a case; `chance` is the seed of random numbers."""
        outcome = Outcome()
        if self.program.is_random:
            random.seed(chance)
        self.calls += 1
        self.state.restore(namespace)
        if self.depth is None:
            self.depth = len(inspect.stack(0))
        started = clock()
        tape = self.warden.watch()
        try:
            try:
                self.meter.begin(limit)
                # Tests run below other frames than the explorer: what comes near the
                # limit of recursion here must not be written down.
                sys.setrecursionlimit(
                    max(self.depth + 200, sys.getrecursionlimit() - RECURSION_ROOM)
                )
                case.run(self, namespace, outcome)
            finally:
                self.warden.watching = False
        except Stop:
            outcome.status = STOPPED
        except Refused:
            outcome.status = REFUSED
        except BaseException:
            outcome.status = VAGUE  # no text for what came out, or an argument could not be made
        self.warden.rest()
        outcome.spent = limit - max(self.meter.remaining(), 0)
        if record:
            outcome.counts, outcome.ways = dict(self.meter.counts), dict(self.meter.ways)
            outcome.operands = {k: list(v) for k, v in self.meter.operands.items()}
            outcome.distances = dict(self.meter.distances)
        outcome.seconds = clock() - started
        outcome.printed = tape.getvalue()
        if self.warden.refused:
            outcome.status, outcome.why = REFUSED, self.warden.refused
        if outcome.status == OK and outcome.printed and ADDRESS.search(outcome.printed):
            outcome.status = VAGUE
        return outcome

    def observe(self, step, namespace, action, subject=None):
        """Do one thing and write down what it gave, as text, at once."""
        try:
            value = action()
            if inspect.iscoroutine(value):
                value = self.finish(value)
            elif hasattr(value, "__anext__"):
                value = self.finish(collect(value))
            if subject is not None and value is subject:
                step.kind, step.text, step.loose = ITSELF, ITSELF, ITSELF
                return
            step.kind = type(value).__name__
            if hasattr(value, "__next__") and hasattr(value, "__iter__"):
                step.drained = True
                value = list(itertools.islice(value, DRAIN_LIMIT))
            elif isinstance(value, (types.FunctionType, types.MethodType, functools.partial)):
                value = self.call_made(value, step)
        except (RecursionError, MemoryError):
            raise Unshowable from None
        except Exception as error:
            self.note_error(step, error, namespace)
            return
        except (SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError) as error:
            self.note_error(step, error, namespace)
            return
        step.text, step.loose, step.shaped = self.describe(value, namespace)

    def call_made(self, function, step):
        """Results of a returned function, for the first sort of arguments that it takes."""
        try:
            taken = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            raise Unshowable from None
        count = sum(
            p.default is p.empty and p.kind is not p.VAR_POSITIONAL and p.kind is not p.VAR_KEYWORD
            for p in taken
        )
        for calls in MADE_CALLS.get(count, ()):
            try:
                found = [function(*arguments) for arguments in calls]
            except Exception:
                continue
            step.calls = Speller({}).spell(list(calls))
            return found
        raise Unshowable

    def note_error(self, step, error, namespace):
        step.error = self.error_name(error, namespace)
        try:
            message = str(error)
        except Exception:
            message = None
        if message is None or ADDRESS.search(message) or len(message) > 300:
            message = None
        step.message = message
        trace, line, file = error.__traceback__, None, None
        while trace is not None:
            line, file = trace.tb_lineno, trace.tb_frame.f_code.co_filename
            trace = trace.tb_next
        step.documented = file == SOURCE_FILE and line in self.program.reading.raise_lines

    def error_name(self, error, namespace):
        kind = type(error)
        if known_builtins.get(kind.__name__) is kind:
            return kind.__name__
        name = Speller(namespace).class_name(kind)
        if name is None:
            raise Unshowable
        return name

    def finish(self, awaitable):
        if self.loop is None:
            self.warden.watching = False
            self.loop = asyncio.new_event_loop()
            self.warden.watching = True
        return self.loop.run_until_complete(awaitable)

    def describe(self, value, namespace):
        """(text, text for loose comparison, whether the helper `shape` is needed)."""
        speller = Speller(namespace)
        shaped = False
        try:
            text = speller.spell(value)
        except Unshowable:
            value = self.shape_in(namespace)(value)
            text = speller.spell(value)
            shaped = True
        if len(text) > TEXT_LIMIT or ADDRESS.search(text) or f"{MODULE}." in text:
            raise Unshowable
        try:
            loose = loosened(value)
        except (TypeError, ValueError, OverflowError):
            loose = None
        return text, text if loose is None else loose, shaped

    def shape_in(self, namespace):
        """The helper of the tests, as the module of the user would see it."""
        if "__shape__" not in namespace:
            scope = {"__name__": MODULE}
            exec(self.shape_code, scope)
            namespace["__shape__"] = scope["shape"]
        return namespace["__shape__"]


async def collect(source):
    found = []
    async for item in source:
        found.append(item)
        if len(found) >= DRAIN_LIMIT:
            break
    return found


class ModuleState:
    """Globals of the user's module that calls change: put back before each call.

    Tests do the same with a fixture, so that no test depends on another.
    """

    PLAIN = (int, float, str, bool, type(None), list, dict, set, tuple)

    def __init__(self):
        self.texts = {}
        self.changed = []

    def remember(self, namespace):
        """Note what the globals of a fresh instance look like."""
        speller = Speller(namespace)
        self.texts = {}
        for name, value in list(namespace.items()):
            if type(value) in self.PLAIN and not name.startswith("__"):
                with contextlib.suppress(Unshowable, Exception):
                    self.texts[name] = (speller.spell(value), value)

    def look(self, namespace):
        """Find globals that no longer are what they were; true when there is a new one."""
        speller, found = Speller(namespace), False
        for name, (text, _) in self.texts.items():
            if name in self.changed:
                continue
            try:
                same = name in namespace and speller.spell(namespace[name]) == text
            except (Unshowable, Exception):
                same = False
            if not same:
                self.changed.append(name)
                found = True
        return found

    def initial(self):
        """Expressions for what changed globals are at first, by name."""
        return {name: self.texts[name][0] for name in self.changed if name in self.texts}

    def restore(self, namespace):
        for name in self.changed:
            if name in self.texts:
                namespace[name] = eval(self.texts[name][0], namespace)
