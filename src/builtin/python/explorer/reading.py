"""Reading the source: what there is to test, and what its text says about inputs."""

CHANCE = re.compile(
    r"\b(random|randint|randrange|shuffle|choices?|sample|uniform|gauss|rng|getrandbits)\b"
)


class Parameter:
    """One parameter of a target."""

    def __init__(self, name, annotation=None, default=None, star="", keyword_only=False):
        self.name = name
        self.annotation = annotation
        self.default = default  # the expression in the source, as a tree
        self.star = star
        self.keyword_only = keyword_only

    @property
    def required(self):
        return self.default is None and not self.star


class Routine:
    """A function or method of the source."""

    def __init__(self, node, owner=None):
        self.node = node
        self.owner = owner  # the class that holds it
        self.name = node.name
        self.path = f"{owner}.{node.name}" if owner else node.name
        self.is_async = isinstance(node, ast.AsyncFunctionDef)
        self.decorators = [
            dotted(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list
        ]
        self.bound = owner is not None and "staticmethod" not in self.decorators
        self.parameters = parameters_of(node.args, skip_first=self.bound)

    @classmethod
    def of_fields(cls, shell):
        """The constructor that a dataclass or named tuple has without writing it."""
        node = ast.parse("def __init__(self): pass").body[0]
        routine = cls(node, shell.name)
        if shell.is_dataclass or any("NamedTuple" in base for base in shell.bases):
            routine.parameters = shell.fields
        return routine

    @classmethod
    def of_member(cls, routine, owner):
        """A method of an enum as a function of the member."""
        member = Parameter("member", ast.Name(owner, ast.Load()))
        made = cls(routine.node, owner)
        made.parameters = [member, *made.parameters]
        return made

    def is_a(self, *decorators):
        return any(d.rpartition(".")[2] in decorators for d in self.decorators)


class Shell:
    """A class of the source."""

    def __init__(self, node):
        self.node = node
        self.name = node.name
        self.bases = [dotted(base) for base in node.bases]
        self.routines = {
            part.name: Routine(part, node.name)
            for part in node.body
            if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        self.decorators = [
            dotted(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list
        ]
        self.fields = [
            Parameter(part.target.id, part.annotation, part.value)
            for part in node.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        ]

    @property
    def is_dataclass(self):
        return any(d.rpartition(".")[2] == "dataclass" for d in self.decorators)

    @property
    def is_enum(self):
        return any(
            b.rpartition(".")[2] in ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag")
            for b in self.bases
        )


def dotted(node):
    """`a.b.c` of an expression, as far as it is one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Subscript):
        return dotted(node.value)
    return ""


def parameters_of(arguments, skip_first=False):
    plain = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(plain) - len(arguments.defaults)) + arguments.defaults
    found = [Parameter(a.arg, a.annotation, d) for a, d in zip(plain, defaults)]
    if skip_first:
        found = found[1:]
    if arguments.vararg:
        found.append(Parameter(arguments.vararg.arg, arguments.vararg.annotation, star="*"))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        found.append(Parameter(argument.arg, argument.annotation, default, keyword_only=True))
    return found


class Reading:
    """The source as a tree, with its functions and classes by name."""

    def __init__(self, text):
        self.text = text
        self.tree = ast.parse(text)
        self.functions, self.classes = {}, {}
        self.reached = {}
        self.globals = {}  # name -> statements that bind it
        for statement in self.tree.body:
            self.note(statement)
        self.raise_lines = {
            line
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Raise) and node.exc is not None or isinstance(node, ast.Assert)
            for line in range(node.lineno, node.end_lineno + 1)
        }
        self.attributes = {
            node.attr for node in ast.walk(self.tree) if isinstance(node, ast.Attribute)
        }

    def note(self, statement):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.functions[statement.name] = Routine(statement)
            self.globals.setdefault(statement.name, []).append(statement)
        elif isinstance(statement, ast.ClassDef):
            self.classes[statement.name] = Shell(statement)
            self.globals.setdefault(statement.name, []).append(statement)
        elif isinstance(statement, (ast.If, ast.Try, ast.With)):
            for name in ("body", "orelse", "finalbody"):
                for part in getattr(statement, name, ()):
                    self.note(part)
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    self.globals.setdefault(node.id, []).append(statement)

    def is_random(self, node):
        """Whether it may ask for random numbers."""
        if not re.search(r"\brandom\b", self.text):
            return False
        return any(CHANCE.search(ast.unparse(statement)) for statement in self.reachable(node))

    def uses(self, node):
        """Positions in the module of the statements that `reachable` finds."""
        found = set(map(id, self.reachable(node)))
        return {at for at, statement in enumerate(self.tree.body) if id(statement) in found}

    def reachable(self, node):
        """The node and all statements of the module that it uses, directly or not."""
        if node not in self.reached:
            self.reached[node] = self.reach(node)
        return self.reached[node]

    def reach(self, node):
        found, waiting, seen = [node], [node], set()
        while waiting:
            for part in ast.walk(waiting.pop()):
                name = part.id if isinstance(part, ast.Name) else None
                if name in self.globals and name not in seen:
                    seen.add(name)
                    for statement in self.globals[name]:
                        if statement is not node:
                            found.append(statement)
                            waiting.append(statement)
        return found


class Pool:
    """Constants and example values that a target's text gives away, without repetition, in order."""

    def __init__(self):
        self.ints, self.floats, self.strings = [], [], []
        self.separators, self.alphabet, self.keys = [], [], []
        self.formats, self.patterns = [], []
        self.parts = []  # how many parts a text is split into, where the code says so
        self.samples = []  # whole values found in descriptions
        self.seen = set()

    def add(self, value):
        kind = type(value)
        if (kind, repr(value)) in self.seen:
            return
        self.seen.add((kind, repr(value)))
        if kind is int and abs(value) < 10**12:
            self.ints.append(value)
        elif kind is float and math.isfinite(value):
            self.floats.append(value)
        elif kind is str and len(value) <= 60:
            self.strings.append(value)
            if len(value) == 1:
                self.widen(value)
        elif kind in (list, tuple, dict, set, frozenset):
            for part in value:
                self.add(part)
            if kind is dict:
                for part in value.values():
                    self.add(part)

    def widen(self, characters):
        for character in characters:
            if character not in self.alphabet:
                self.alphabet.append(character)


BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
SPLITTERS = (
    "split",
    "rsplit",
    "partition",
    "rpartition",
    "join",
    "replace",
    "count",
    "find",
    "index",
)
DOC_LITERAL = re.compile(
    r"\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]|\"[^\"\n]*\"|'[^'\n]*'|-?\b\d+(?:\.\d+)?\b|\{[^{}]*\}"
)


def read_pool(reading, node):
    """The pool of one target: its own constants first, then those of what it uses."""
    pool = Pool()
    statements = reading.reachable(node)
    docs = set()
    for statement in statements:
        for part in ast.walk(statement):
            if isinstance(part, DOCUMENTED) and ast.get_docstring(part) is not None:
                docs.add(part.body[0].value)
    for statement in statements:
        for part in ast.walk(statement):
            if isinstance(part, ast.Constant) and part not in docs:
                pool.add(part.value)
            elif isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub):
                if isinstance(part.operand, ast.Constant) and type(part.operand.value) in (
                    int,
                    float,
                ):
                    pool.add(-part.operand.value)
            elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
                read_call(pool, part)
            elif isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
                if type(part.slice.value) is str and part.slice.value not in pool.keys:
                    pool.keys.append(part.slice.value)
            elif isinstance(part, ast.Compare):
                read_comparison(pool, part)
            elif isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Tuple):
                if any(
                    isinstance(n, ast.Attribute) and n.attr in SPLITTERS
                    for n in ast.walk(part.value)
                ):
                    pool.parts.append(len(part.targets[0].elts))
    for left, right in BRACKETS.items():
        if left in pool.alphabet or right in pool.alphabet:
            pool.widen(left + right)
    return pool


def read_call(pool, call):
    name = call.func.attr
    texts = [
        a.value
        for a in [*call.args, *(k.value for k in call.keywords)]
        if isinstance(a, ast.Constant) and type(a.value) is str
    ]
    if name in SPLITTERS:
        if name == "join" and isinstance(call.func.value, ast.Constant):
            texts.append(call.func.value.value)
        for text in texts:
            if type(text) is str and 0 < len(text) <= 4 and text not in pool.separators:
                pool.separators.append(text)
        if name in ("split", "rsplit") and not call.args and not call.keywords:
            if " " not in pool.separators:
                pool.separators.append(" ")
    elif name == "splitlines" and "\n" not in pool.separators:
        pool.separators.append("\n")
    elif name in ("strptime", "fromisoformat"):
        for text in texts or ["%Y-%m-%d"]:
            if "%" in text and text not in pool.formats:
                pool.formats.append(text)
    elif name in ("match", "fullmatch", "search", "findall", "finditer", "compile", "sub"):
        if texts and dotted(call.func.value) == "re" and texts[0] not in pool.patterns:
            pool.patterns.append(texts[0])
    elif name == "get" and texts and texts[0] not in pool.keys:
        pool.keys.append(texts[0])


def read_comparison(pool, compare):
    """What stands in a text or collection of characters that something is looked up in."""
    for side in [compare.left, *compare.comparators]:
        if isinstance(side, ast.Constant) and type(side.value) is str and len(side.value) <= 30:
            if (
                any(isinstance(op, (ast.In, ast.NotIn)) for op in compare.ops)
                or len(side.value) == 1
            ):
                pool.widen(side.value)


class Example:
    """A call that the description or the text of the module shows."""

    def __init__(self, name, arguments, keywords):
        self.name = name
        self.arguments = arguments
        self.keywords = keywords


def call_examples(reading, name):
    """Calls of `name` in docstrings, comments and the module's own text, as argument values."""
    found, seen = [], set()
    texts = [
        ast.get_docstring(n) or "" for n in ast.walk(reading.tree) if isinstance(n, DOCUMENTED)
    ]
    texts += re.findall(r"#(.*)", reading.text)
    for text in texts:
        for start in re.finditer(rf"(?<![\w.]){re.escape(name)}\(", text):
            call = read_example(text[start.start() : start.start() + 400])
            if call is not None:
                collect_example(call, name, found, seen)
    for node in ast.walk(reading.tree):
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == name:
            collect_example(node, name, found, seen)
    return found


def read_example(text):
    for end in re.finditer(r"\)", text):
        try:
            tree = ast.parse(text[: end.end()].replace("\n...", "\n"), mode="eval")
        except (SyntaxError, ValueError):
            continue
        return tree.body if isinstance(tree.body, ast.Call) else None
    return None


def collect_example(call, name, found, seen):
    try:
        arguments = [ast.literal_eval(a) for a in call.args]
        keywords = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return
    if repr((arguments, keywords)) not in seen:
        seen.add(repr((arguments, keywords)))
        found.append(Example(name, arguments, keywords))


def read_descriptions(reading, node, pool):
    """Put literals of the descriptions into the pool: `for [1, 2] the result is 3`."""
    texts = [ast.get_docstring(n) or "" for n in ast.walk(node) if isinstance(n, DOCUMENTED)]
    for text in texts:
        for match in list(DOC_LITERAL.finditer(text))[:60]:
            try:
                value = ast.literal_eval(match.group())
            except (ValueError, SyntaxError, MemoryError, TypeError):
                continue
            if len(match.group()) <= 80 and value not in pool.samples:
                pool.samples.append(value)
