"""Mutants: the source with one small mistake in it, of the kinds that people make.

A mutant replaces one field of one node in the ticked tree. It is put in, its statement is
compiled, and it is taken out again.
"""


class Mutant:
    """One replacement: `owner.field` (or its item at `index`) becomes `new`."""

    __slots__ = ("statement", "owner", "field", "index", "new", "line", "what")

    def __init__(self, statement, owner, field, index, new, line, what):
        self.statement = statement  # index of the top-level statement
        self.owner, self.field, self.index = owner, field, index
        self.new, self.line, self.what = new, line, what

    def exchange(self, value):
        if self.index is None:
            old = getattr(self.owner, self.field)
            setattr(self.owner, self.field, value)
        else:
            block = getattr(self.owner, self.field)
            old = block[self.index]
            block[self.index] = value
        return old

    def code(self, program):
        """The code of the mutated statement; None when it does not compile."""
        old = self.exchange(self.new)
        try:
            return program.compile(program.plain_tree.body[self.statement])
        except (SyntaxError, ValueError, TypeError, RecursionError):
            return None
        finally:
            self.exchange(old)


COMPARE_SWAPS = {
    ast.Lt: (ast.LtE, ast.GtE, ast.Eq), ast.LtE: (ast.Lt, ast.Gt, ast.Eq), ast.Gt: (ast.GtE, ast.LtE, ast.Eq),
    ast.GtE: (ast.Gt, ast.Lt, ast.Eq), ast.Eq: (ast.NotEq, ast.LtE, ast.GtE), ast.NotEq: (ast.Eq, ast.Lt, ast.Gt),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
BINARY_SWAPS = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add, ast.Mod), ast.Mult: (ast.Add, ast.FloorDiv, ast.Pow),
    ast.Div: (ast.Mult, ast.FloorDiv), ast.FloorDiv: (ast.Mult, ast.Div, ast.Mod), ast.Mod: (ast.FloorDiv, ast.Sub),
    ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd, ast.BitXor), ast.BitXor: (ast.BitOr,),
    ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,), ast.MatMult: (),
}  # fmt: skip
NAME_SWAPS = {
    "min": ("max",), "max": ("min",), "any": ("all",), "all": ("any",), "floor": ("ceil",), "ceil": ("floor",),
    "sum": ("max", "len"), "len": ("sum",), "sorted": ("list",), "int": ("round",), "round": ("int",),
    "ord": (), "set": ("list",), "append": ("insert",),
    "lower": ("upper",), "upper": ("lower",), "swapcase": ("lower", "upper"), "title": ("capitalize",),
    "capitalize": ("title",), "islower": ("isupper",), "isupper": ("islower",), "isalpha": ("isalnum", "isdigit"),
    "isdigit": ("isalpha", "isalnum"), "isalnum": ("isalpha",), "startswith": ("endswith",),
    "endswith": ("startswith",), "strip": ("lstrip", "rstrip"), "lstrip": ("rstrip", "strip"),
    "rstrip": ("lstrip", "strip"), "find": ("rfind",), "rfind": ("find",), "index": ("rindex",),
    "keys": ("values",), "values": ("keys",), "popleft": ("pop",), "appendleft": ("append",),
    "union": ("intersection",), "intersection": ("union",), "difference": ("intersection",), "add": ("discard",),
    "extend": ("append",), "split": ("rsplit",), "ljust": ("rjust",), "rjust": ("ljust",),
}  # fmt: skip
TRANSPARENT = {
    "abs",
    "sorted",
    "list",
    "set",
    "reversed",
    "int",
    "str",
    "round",
    "float",
    "tuple",
    "dict",
    "bool",
    "deepcopy",
}
SHORTENED = 24  # elements of a literal collection that are left out one by one


class Breeder:
    """Yields the mutants of one top-level statement, inside functions and of constants."""

    def __init__(self, statement, index):
        self.index = index
        self.found = []
        self.locals = []
        self.statement = statement

    def mutants(self):
        self.walk(self.statement)
        return self.found

    def add(self, owner, field, index, new, near, what):
        if isinstance(new, ast.AST) and not hasattr(new, "lineno"):
            own_lines(new, near)
        self.found.append(Mutant(self.index, owner, field, index, new, near.lineno, what))

    def walk(self, node):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.locals.append(names_in(node))
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "type_params", "ctx"):
                continue
            if isinstance(value, list):
                for index, child in enumerate(value):
                    if isinstance(child, ast.AST) and not getattr(child, "own", False):
                        self.visit(child, node, field, index)
            elif isinstance(value, ast.AST) and not getattr(value, "own", False):
                self.visit(value, node, field, None)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.locals.pop()

    def visit(self, node, owner, field, index):
        # A docstring does nothing that a test could see.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return
        handler = getattr(self, "mutate_" + type(node).__name__, None)
        if handler is not None:

            def put(new, what):
                self.add(owner, field, index, new, node, what)

            handler(node, put)
        if isinstance(node, ast.stmt) and self.locals and index is not None:
            self.drop(node, owner, field, index)
        self.walk(node)

    def drop(self, node, owner, field, index):
        """Leave out a statement."""
        droppable = (
            ast.Expr,
            ast.AugAssign,
            ast.Assign,
            ast.If,
            ast.For,
            ast.While,
            ast.Raise,
            ast.Delete,
            ast.Assert,
            ast.Return,
        )
        if not isinstance(node, droppable):
            return
        self.add(owner, field, index, ast.Pass(), node, "statement left out")

    def mutate_Compare(self, node, put):
        for at, op in enumerate(node.ops):
            for swap in COMPARE_SWAPS[type(op)]:
                ops = [*node.ops[:at], swap(), *node.ops[at + 1 :]]
                put(ast.Compare(node.left, ops, node.comparators), "comparison")

    def mutate_BinOp(self, node, put):
        for swap in BINARY_SWAPS[type(node.op)]:
            put(ast.BinOp(node.left, swap(), node.right), "operator")
        if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)):
            put(node.left, "right operand left out")
            put(node.right, "left operand left out")
        if isinstance(node.op, (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod)):
            put(ast.BinOp(node.right, node.op, node.left), "operands swapped")

    def mutate_AugAssign(self, node, put):
        for swap in BINARY_SWAPS[type(node.op)][:2]:
            put(ast.AugAssign(node.target, swap(), node.value), "operator")
        put(ast.Assign([node.target], node.value), "assigned instead of added")

    def mutate_BoolOp(self, node, put):
        swap = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        put(ast.BoolOp(swap, node.values), "and, or")
        for at in range(len(node.values)):
            rest = [*node.values[:at], *node.values[at + 1 :]]
            put(rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest), "condition left out")

    def mutate_UnaryOp(self, node, put):
        if not isinstance(node.op, ast.UAdd):
            put(node.operand, "sign or not left out")

    def mutate_If(self, node, put):
        put(ast.If(negated(node.test), node.body, node.orelse), "condition negated")
        put(ast.If(ast.Constant(True), node.body, node.orelse), "condition always true")
        if node.orelse:
            put(ast.If(ast.Constant(False), node.body, node.orelse), "condition never true")

    def mutate_IfExp(self, node, put):
        put(node.body, "condition always true")
        put(node.orelse, "condition never true")

    def mutate_While(self, node, put):
        put(ast.While(negated(node.test), node.body, node.orelse), "condition negated")

    def mutate_Return(self, node, put):
        if node.value is not None and not is_constant(node.value, None):
            put(ast.Return(ast.Constant(None)), "nothing returned")
            if isinstance(node.value, (ast.Compare, ast.BoolOp, ast.Call)):
                put(ast.Return(negated(node.value)), "result negated")

    def mutate_Break(self, node, put):
        put(ast.Continue(), "continue for break")
        put(ast.Pass(), "break left out")

    def mutate_Continue(self, node, put):
        put(ast.Break(), "break for continue")
        put(ast.Pass(), "continue left out")

    def mutate_Constant(self, node, put):
        value = node.value
        kind = type(value)
        if kind is bool:
            variants = [not value]
        elif kind is int:
            variants = (
                [value + 1, value - 1]
                + ([0] if abs(value) > 1 else [])
                + ([-value] if value > 1 else [])
            )
        elif kind is float:
            variants = [value + 1, value - 1, value * 1.1, 0.0]
        elif kind is str:
            variants = ["", value + "X"]
            if len(value) > 1:
                half = len(value) // 2
                variants += [value[:half], value[half:], value[:-1], value[1:]]
            if value.swapcase() != value:
                variants.append(value.swapcase())
        else:
            variants = []
        for variant in variants:
            put(ast.Constant(variant), "constant")

    def mutate_Name(self, node, put):
        if not self.locals or not isinstance(node.ctx, ast.Load):
            return
        names = self.locals[-1]
        if node.id in names:
            at = names.index(node.id)
            for step in (1, 2, -1):
                other = names[(at + step) % len(names)]
                if other != node.id:
                    put(ast.Name(other, ast.Load()), "other variable")

    def mutate_Subscript(self, node, put):
        if not isinstance(node.ctx, ast.Load):
            return
        part = node.slice
        if isinstance(part, ast.Slice):
            for name in ("lower", "upper", "step"):
                bound = getattr(part, name)
                parts = {"lower": part.lower, "upper": part.upper, "step": part.step}
                if bound is not None:
                    put(
                        ast.Subscript(node.value, ast.Slice(**{**parts, name: None}), node.ctx),
                        "bound left out",
                    )
                    if name != "step":
                        put(
                            ast.Subscript(
                                node.value, ast.Slice(**{**parts, name: plus(bound, 1)}), node.ctx
                            ),
                            "bound off by one",
                        )
        elif not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
            put(ast.Subscript(node.value, plus(part, 1), node.ctx), "index off by one")
            put(ast.Subscript(node.value, plus(part, -1), node.ctx), "index off by one")

    def mutate_Call(self, node, put):
        called = node.func
        name = (
            called.id
            if isinstance(called, ast.Name)
            else called.attr
            if isinstance(called, ast.Attribute)
            else ""
        )
        for swap in NAME_SWAPS.get(name, ()):
            if isinstance(called, ast.Name):
                new = ast.Name(swap, ast.Load())
            else:
                new = ast.Attribute(called.value, swap, ast.Load())
            put(ast.Call(new, node.args, node.keywords), "other function")
        if isinstance(called, ast.Name) and name in TRANSPARENT and len(node.args) >= 1:
            put(node.args[0], "call left out")
        elif (
            isinstance(called, ast.Attribute) and not node.keywords and not is_module(called.value)
        ):
            put(called.value, "call left out")
        if name == "range" and 1 <= len(node.args) <= 2:
            for step in (1, -1):
                put(
                    ast.Call(called, [*node.args[:-1], plus(node.args[-1], step)], []),
                    "range off by one",
                )
            if len(node.args) == 2:
                put(ast.Call(called, [plus(node.args[0], 1), node.args[1]], []), "range off by one")
                put(ast.Call(called, [node.args[1]], []), "start left out")
        for at in range(len(node.keywords)):
            put(
                ast.Call(called, node.args, [*node.keywords[:at], *node.keywords[at + 1 :]]),
                "option left out",
            )
        if len(node.args) == 2 and name not in ("range", "isinstance"):
            put(ast.Call(called, node.args[::-1], node.keywords), "arguments swapped")
            put(ast.Call(called, node.args[:1], node.keywords), "argument left out")

    def shorten(self, node, put):
        if len(node.elts) > 1 and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            for at in range(min(len(node.elts), SHORTENED)):
                rest = [*node.elts[:at], *node.elts[at + 1 :]]
                put(
                    type(node)(rest, ast.Load()) if hasattr(node, "ctx") else type(node)(rest),
                    "element left out",
                )

    mutate_List = mutate_Tuple = mutate_Set = shorten

    def mutate_Dict(self, node, put):
        for at in range(min(len(node.keys), SHORTENED)):
            keys, values = list(node.keys), list(node.values)
            del keys[at], values[at]
            put(ast.Dict(keys, values), "entry left out")

    def comprehended(self, node, put):
        for number, generator in enumerate(node.generators):
            if len(generator.ifs) > 1:  # one is a tick
                kept = [part for part in generator.ifs if getattr(part, "own", False)]
                new = ast.comprehension(generator.target, generator.iter, kept, generator.is_async)
                generators = [*node.generators[:number], new, *node.generators[number + 1 :]]
                put(type(node)(node.elt, generators), "filter left out")

    mutate_ListComp = mutate_SetComp = mutate_GeneratorExp = comprehended


def own_lines(node, near):
    """Give a new node the line of the one it replaces, and its new parts, too."""
    for part in ast.walk(node):
        if not hasattr(part, "lineno") and "lineno" in part._attributes:
            ast.copy_location(part, near)


def negated(test):
    return (
        test.operand
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        else ast.UnaryOp(ast.Not(), test)
    )


def plus(node, amount):
    op = ast.Add() if amount > 0 else ast.Sub()
    return ast.BinOp(node, op, ast.Constant(abs(amount)))


def is_constant(node, value):
    return isinstance(node, ast.Constant) and node.value is value


def is_module(node):
    return isinstance(node, ast.Name) and node.id in sys.modules


def names_in(function):
    """Local variables of a function, in order of appearance."""
    found = [
        a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    ]
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in found:
            found.append(node.id)
    return found


def breed(program, lines, most):
    """Mutants on the lines that were reached, at most so many, spread evenly over all kinds."""
    found = []
    for index, statement in enumerate(program.plain_tree.body):
        if isinstance(statement, (ast.Import, ast.ImportFrom)) or is_main_guard(statement):
            continue
        module_level = not isinstance(
            statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        )
        for mutant in Breeder(statement, index).mutants():
            if (
                module_level
                or program.starts.get(mutant.line, mutant.line) in lines
                or mutant.what in ("constant", "element left out", "entry left out")
            ):
                found.append(mutant)
    if len(found) > most:
        step = len(found) / most
        found = [found[int(number * step)] for number in range(most)]
    return found


def is_main_guard(statement):
    return isinstance(statement, ast.If) and "__main__" in ast.dump(statement.test)
