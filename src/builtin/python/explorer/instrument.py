"""Putting probes into user code, so that a call can be counted, covered and ended."""

TICK, HIT, BRANCH, COMPARE, SET = "__tick__", "__hit__", "__branch__", "__compare__", "__set__"
COMPARISONS = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def own(node, near):
    """Mark what is put in, so that it is not mutated, and give it a line."""
    for part in ast.walk(node):
        part.own = True
        ast.copy_location(part, near)
    return node


def probe_call(name, near, *arguments):
    call = ast.Call(ast.Name(name, ast.Load()), [ast.Constant(a) for a in arguments], [])
    return own(call, near)


class Ticking(ast.NodeTransformer):
    """The least that is needed to end a call: a tick for each turn of a loop and each call."""

    def opening(self, near):
        return own(ast.Expr(probe_call(TICK, near)), near)

    def body(self, statements, near):
        """A block that starts with a tick, behind its docstring and declarations."""
        at = 0
        while at < len(statements) and is_declaration(statements[at], first=at == 0):
            at += 1
        return statements[:at] + [self.opening(near)] + statements[at:]

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.body = self.body(node.body, node)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_For(self, node):
        self.generic_visit(node)
        node.body = [self.opening(node), *node.body]
        return node

    visit_AsyncFor = visit_While = visit_For

    def visit_ExceptHandler(self, node):
        # A handler that catches everything must not swallow the end of a call.
        self.generic_visit(node)
        node.body = [self.opening(node), *node.body]
        return node

    def visit_comprehension(self, node):
        self.generic_visit(node)
        node.ifs = [probe_call(TICK, node.target), *node.ifs]
        return node


def is_declaration(statement, first):
    if isinstance(statement, (ast.Global, ast.Nonlocal)):
        return True
    return first and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


class Probing(Ticking):
    """Ticks, and probes at each statement, condition and comparison inside functions."""

    def __init__(self):
        self.depth = 0
        self.lines = {}  # number of a statement's probe -> its line
        self.branches = {}  # number of a condition -> its line
        self.comparisons = {}  # number of a comparison -> number of the condition it decides
        self.starts = {}  # line -> line of the innermost statement that it is part of
        self.condition = None

    def visit_FunctionDef(self, node):
        self.depth += 1
        super().visit_FunctionDef(node)
        self.depth -= 1
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        # Its body runs while the module is loaded.
        depth, self.depth = self.depth, 0
        self.generic_visit(node)
        self.depth = depth
        return node

    def visit_Lambda(self, node):
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1
        return node

    def generic_visit(self, node):
        super().generic_visit(node)
        if self.depth and not isinstance(node, ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                    setattr(node, name, self.probed(block))
        return node

    def probed(self, block):
        found = []
        for index, statement in enumerate(block):
            if not getattr(statement, "own", False) and not is_declaration(statement, index == 0):
                number = len(self.lines)
                self.lines[number] = statement.lineno
                for line in range(statement.lineno, statement.end_lineno + 1):
                    self.starts.setdefault(line, statement.lineno)
                found.append(own(ast.Expr(probe_call(HIT, statement, number)), statement))
            found.append(statement)
        return found

    def conditional(self, test):
        """A condition whose outcome is recorded; the comparison it consists of, too."""
        number = len(self.branches)
        self.branches[number] = getattr(test, "lineno", 0)
        outer, self.condition = self.condition, number
        test = self.visit(test)
        self.condition = outer
        call = probe_call(BRANCH, test, number)
        call.args.append(test)
        return call

    def visit_If(self, node):
        if not self.depth:
            return self.generic_visit(node)
        test = self.conditional(node.test)
        node.test = ast.Constant(True)
        self.generic_visit(node)
        node.test = test
        return node

    visit_IfExp = visit_Assert = visit_If

    def visit_While(self, node):
        if not self.depth:
            return super().visit_While(node)
        test = self.conditional(node.test)
        node.test = ast.Constant(True)
        super().visit_While(node)
        node.test = test
        return node

    def visit_comprehension(self, node):
        tests = node.ifs
        node.ifs = []
        if self.depth:
            tests = [self.conditional(test) for test in tests]
        else:
            tests = [self.visit(test) for test in tests]
        self.generic_visit(node)
        node.ifs = [probe_call(TICK, node.target), *tests]
        return node

    def visit_Compare(self, node):
        self.generic_visit(node)
        if not self.depth or len(node.ops) != 1 or type(node.ops[0]) not in COMPARISONS:
            return node
        number = len(self.comparisons)
        self.comparisons[number] = self.condition
        call = probe_call(COMPARE, node, number)
        apply = own(ast.Name("__" + type(node.ops[0]).__name__ + "__", ast.Load()), node)
        call.args += [apply, node.left, node.comparators[0]]
        return call


class Scrambling(Ticking):
    """Ticks, and sets whose order is another one, as under another seed for hashes."""

    def visit_Set(self, node):
        self.generic_visit(node)
        return ast.copy_location(ast.Call(ast.Name(SET, ast.Load()), [node], []), node)

    visit_SetComp = visit_Set


class SetKind(type):
    """Lets `isinstance(value, set)` hold for plain sets, too."""

    def __instancecheck__(cls, value):
        return isinstance(value, cls.__mro__[1])


def scrambled(base, number):
    """A kind of set with another order of elements, unless all are numbers, whose order is fixed."""

    def order(values):
        found = list(base.__iter__(values))
        if all(isinstance(v, (int, float, type(None))) for v in found):
            return found
        by_text = sorted(found, key=repr)
        return by_text if number % 2 else by_text[::-1]

    def again(name):
        method = getattr(base, name)

        def wrapped(self, *others):
            value = method(self, *others)
            return kind(value) if type(value) is base else value

        return wrapped

    def pop(self):
        if not self:
            raise KeyError("pop from an empty set")
        value = order(self)[0]
        self.discard(value)
        return value

    names = "__or__ __and__ __sub__ __xor__ __ror__ __rand__ __rsub__ __rxor__".split()
    names += "union intersection difference symmetric_difference copy".split()
    members = {name: again(name) for name in names}
    members.update(__slots__=(), __iter__=lambda self: iter(order(self)), __hash__=base.__hash__)
    if base is set:
        members["pop"] = pop
    kind = SetKind(base.__name__, (base,), members)
    kind.__module__ = "builtins"
    return kind


def scrambled_names(number):
    """Builtins that behave as in a process with another seed for hashes."""
    kinds = {base.__name__: scrambled(base, number) for base in (set, frozenset)}

    def other_hash(value):
        return (
            hash(value) if isinstance(value, (int, float)) else hash(value) ^ (number + 1) * 0x5BD1
        )

    return {**kinds, SET: kinds["set"], "hash": other_hash}


def probe_names(meter):
    """What the probes are called in the builtins of the code under test."""
    names = {TICK: meter.tick, HIT: meter.hit, BRANCH: meter.branch, COMPARE: meter.compare}
    for kind, apply in COMPARISONS.items():
        names["__" + kind.__name__ + "__"] = apply
    return names


class Program:
    """The source, compiled statement by statement, and fresh instances of its module.

    `extra` are names that inputs may use: the helpers of the tests.

    Each statement has a code of its own, so that a mutant costs the compilation of one.
    """

    def __init__(self, reading, meter, extra):
        self.reading = reading
        self.flags = future_flags(reading.tree)
        self.builtins = {**known_builtins, **probe_names(meter), **extra}
        self.plain_tree = Ticking().visit(ast.parse(reading.text))
        probing = Probing()
        probed_tree = probing.visit(ast.parse(reading.text))
        self.lines, self.starts = probing.lines, probing.starts
        self.branches, self.comparisons = probing.branches, probing.comparisons
        ast.fix_missing_locations(self.plain_tree)
        ast.fix_missing_locations(probed_tree)
        self.plain = [self.compile(statement) for statement in self.plain_tree.body]
        self.probed = [self.compile(statement) for statement in probed_tree.body]
        self.has_sets = bool(re.search(r"\b(set|frozenset|hash)\b|\{", reading.text))
        self.is_random = bool(re.search(r"\brandom\b", reading.text))
        self.scrambled = self.plain
        if self.has_sets:
            scrambled_tree = ast.fix_missing_locations(Scrambling().visit(ast.parse(reading.text)))
            self.scrambled = [self.compile(statement) for statement in scrambled_tree.body]

    def compile(self, statement):
        tree = ast.Module([statement], [])
        return compile(tree, SOURCE_FILE, "exec", self.flags, True)

    def instance(self, codes, names=None):
        """Execute the module anew, with these builtins on top; gives its namespace."""
        module = types.ModuleType(MODULE)
        module.__file__ = SOURCE_FILE
        module.__doc__ = ast.get_docstring(self.reading.tree, clean=False)
        namespace = module.__dict__
        namespace["__builtins__"] = {**self.builtins, **names} if names else self.builtins
        # Under both names that the product gives it.
        sys.modules[MODULE] = sys.modules["source"] = module
        for code in codes:
            exec(code, namespace)
        return namespace

    def mutated(self, index, code):
        return [*self.plain[:index], code, *self.plain[index + 1 :]]


def future_flags(tree):
    import __future__

    flags = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    return flags
