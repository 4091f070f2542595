"""What kind of value a parameter takes: from annotations, from defaults, from what is done with it.

A kind is a tuple: `("int",)`, `("list", element)`, `("dict", key, value)`, `("tuple", a, b)`,
`("record", ((key, kind), …))` for dicts with known keys, `("object", class)`, `("union", a, b)`, …
"""

INT, FLOAT, NUMBER, STR, BOOL = ("int",), ("float",), ("number",), ("str",), ("bool",)
NONE, BYTES, ANY, CALLABLE = ("none",), ("bytes",), ("any",), ("callable", 1)
DATE, DATETIME, TIMEDELTA = ("date",), ("datetime",), ("timedelta",)

PLAIN_KINDS = {
    "int": INT, "float": FLOAT, "complex": FLOAT, "str": STR, "bool": BOOL, "None": NONE, "bytes": BYTES,
    "bytearray": BYTES, "Any": ANY, "object": ANY, "AnyStr": STR, "Number": NUMBER, "Real": NUMBER,
    "date": DATE, "datetime": DATETIME, "timedelta": TIMEDELTA, "Hashable": STR, "Text": STR,
    "Decimal": ("decimal",), "Fraction": ("fraction",), "SupportsFloat": FLOAT, "SupportsInt": INT,
}  # fmt: skip
LISTS = {
    "list",
    "List",
    "Sequence",
    "MutableSequence",
    "Iterable",
    "Collection",
    "Iterator",
    "Generator",
    "Reversible",
}
SETS = {"set", "Set", "frozenset", "FrozenSet", "AbstractSet", "MutableSet"}
DICTS = {"dict", "Dict", "Mapping", "MutableMapping", "DefaultDict", "OrderedDict", "defaultdict"}
WRAPPERS = {"Final", "ClassVar", "Annotated", "Required", "NotRequired", "ReadOnly"}


def union(kinds):
    flat = []
    for kind in kinds:
        for part in kind[1:] if kind[0] == "union" else (kind,):
            if part not in flat:
                flat.append(part)
    return flat[0] if len(flat) == 1 else ("union", *flat)


def kind_of_annotation(node, reading, depth=0):
    """The kind that an annotation names; None when it says nothing that is known here."""
    if node is None or depth > 6:
        return None

    def inner(part):
        return kind_of_annotation(part, reading, depth + 1) or ANY

    if isinstance(node, ast.Constant):
        if node.value is None:
            return NONE
        if isinstance(node.value, str):
            try:
                return kind_of_annotation(
                    ast.parse(node.value, mode="eval").body, reading, depth + 1
                )
            except (SyntaxError, ValueError):
                return None
        return None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return union([inner(node.left), inner(node.right)])
    name = dotted(node).rpartition(".")[2]
    arguments = []
    if isinstance(node, ast.Subscript):
        arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name in reading.classes and not isinstance(node, ast.Subscript):
        shell = reading.classes[name]
        return (
            ("enum", name)
            if shell.is_enum
            else typed_dict(shell, reading, inner) or ("object", name)
        )
    if name in PLAIN_KINDS:
        return PLAIN_KINDS[name]
    if name in ("Optional", "Union"):
        return union([inner(a) for a in arguments] + ([NONE] if name == "Optional" else []))
    if name == "Literal":
        values = [a.value for a in arguments if isinstance(a, ast.Constant)]
        return ("choice", tuple(values)) if values else None
    if name in WRAPPERS and arguments:
        return inner(arguments[0])
    if name in LISTS:
        return ("list", inner(arguments[0]) if arguments else ANY)
    if name == "deque":
        return ("deque", inner(arguments[0]) if arguments else ANY)
    if name in SETS:
        return ("set", inner(arguments[0]) if arguments else ANY)
    if name in DICTS:
        key, value = map(inner, arguments) if len(arguments) == 2 else (STR, ANY)
        return ("dict", STR if key == ANY else key, value)
    if name == "Counter":
        return ("dict", inner(arguments[0]) if arguments else STR, INT)
    if name in ("tuple", "Tuple"):
        if (
            len(arguments) == 2
            and isinstance(arguments[1], ast.Constant)
            and arguments[1].value is ...
        ):
            return ("tuple*", inner(arguments[0]))
        return ("tuple", *map(inner, arguments)) if arguments else ("tuple*", ANY)
    if name == "Callable":
        taken = len(arguments[0].elts) if arguments and isinstance(arguments[0], ast.List) else 1
        return ("callable", taken)
    return kind_of_name_in_module(name, reading, inner)


def typed_dict(shell, reading, inner):
    if any(base.rpartition(".")[2] == "TypedDict" for base in shell.bases):
        return ("record", tuple((f.name, inner(f.annotation)) for f in shell.fields))
    return None


def kind_of_name_in_module(name, reading, inner):
    """An alias (`Grid = List[List[int]]`) or a type variable."""
    for statement in reading.globals.get(name, ()):
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] == "TypeVar":
            parts = [inner(a) for a in value.args[1:]]
            return union(parts) if parts else ANY
        if isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] == "NewType":
            return inner(value.args[1]) if len(value.args) > 1 else None
        if isinstance(value, (ast.Subscript, ast.Name, ast.Attribute, ast.BinOp)):
            return inner(value)
    return None


def kind_of_value(value):
    """The kind of a value seen in a default or an example."""
    kind = type(value)
    if kind is bool:
        return BOOL
    if kind in (int, float, str, bytes):
        return (kind.__name__,)
    if value is None:
        return NONE
    if kind is list:
        return ("list", union([kind_of_value(v) for v in value[:6]]) if value else ANY)
    if kind is tuple:
        if len(value) <= 4:
            return ("tuple", *[kind_of_value(v) for v in value])
        return ("tuple*", union([kind_of_value(v) for v in value[:6]]))
    if kind in (set, frozenset):
        return (
            "set",
            union([kind_of_value(v) for v in sorted(value, key=repr)[:6]]) if value else ANY,
        )
    if kind is dict:
        if not value:
            return ("dict", STR, ANY)
        keys = union([kind_of_value(k) for k in list(value)[:6]])
        return ("dict", keys, union([kind_of_value(v) for v in list(value.values())[:6]]))
    return ANY


# What the methods that are called on a value say about it.
STR_METHODS = set(dir(str)) - set(dir(list)) - set(dir(bytes)) | {
    name for name in dir(str) if not name.startswith("_") and name not in ("count", "index")
}
LIST_METHODS = {"append", "extend", "insert", "sort", "reverse"}
DICT_METHODS = {"items", "keys", "values", "get", "setdefault"}
SET_METHODS = {
    "add",
    "union",
    "intersection",
    "difference",
    "issubset",
    "issuperset",
    "discard",
    "symmetric_difference",
}
DATE_METHODS = {
    "strftime",
    "isoformat",
    "weekday",
    "isoweekday",
    "year",
    "month",
    "day",
    "toordinal",
}
COMMON_METHODS = {name for kind in (str, list, dict, set) for name in dir(kind)}
NUMERIC_CALLS = {"abs", "range", "round", "divmod", "pow", "bin", "hex", "oct", "chr"}
SAME_ELEMENTS = {
    "list",
    "sorted",
    "set",
    "tuple",
    "reversed",
    "deque",
    "frozenset",
    "iter",
    "copy",
    "deepcopy",
}
NUMBER_OPERATORS = (
    ast.Sub,
    ast.Div,
    ast.FloorDiv,
    ast.Pow,
    ast.Mod,
    ast.BitAnd,
    ast.LShift,
    ast.RShift,
)

# What programmers call things. A last resort, where the code itself says nothing.
NAMED = [
    (r"^(s|t|st|str\d?|s\d|text|txt|string|word|name|sentence|line|msg|message|title|pattern|char|ch|password|email|url|path|phrase|prefix|suffix|key|code|html|token)$|_?(str|string|text|name|word)$", STR),
    (r"^(n|m|k|i|j|num|number|count|size|length|limit|index|idx|year|age|amount|total|start|end|low|high|left|right|target|capacity|width|height|depth|level|step|base|digits?)$|_?(count|size|num|index|id)$", INT),
    (r"^(x|y|z|a|b|c|r|radius|price|rate|ratio|weight|value|val|temperature|score|threshold|percent|tolerance)$", NUMBER),
    (r"^(words|strings|strs|names|texts|lines|tokens|sentences|keys|tags)$", ("list", STR)),
    (r"^(grid|matrix|board|mat|table|image|rows)$", ("list", ("list", INT))),
    (r"^(l|lst|list\d?|arr|array|nums|numbers|values|vals|data|items|seq|sequence|elements|xs|prices|scores|weights|heights|intervals)$", ("list", INT)),
    (r"^(d|dic|dict|dictionary|mapping|map|counts|freq|config|options|params)$", ("dict", STR, INT)),
    (r"^(f|fn|func|function|callback|predicate|key_func|pred|mapper)$", CALLABLE),
    (r"^(is_|has_|use_|allow_|enable|reverse$|flag|strict|verbose)", BOOL),
]  # fmt: skip


def kind_of_name(name):
    for pattern, kind in NAMED:
        if re.search(pattern, name.lower()):
            return kind
    return None


class Evidence(ast.NodeVisitor):
    """Collects what a routine does with its parameters, their elements, keys and values.

    A place is a parameter with steps into it: `("lst", "[]")` is an element of `lst`.
    """

    def __init__(self, routine, reading, gather=None):
        self.reading = reading
        self.gather = gather  # evidence of other routines, for what is passed on
        self.places = {p.name: (p.name,) for p in routine.parameters}
        self.hints = {}  # place -> {hint: weight}
        self.keys = {}  # place -> keys it is asked for
        self.attributes = {}  # place -> names it is asked for
        self.concluded = {}
        self.certain = set()  # places of which the code says clearly what they are
        bodies = [routine.node.body]
        if routine.name == "__init__" and routine.owner in reading.classes:
            # What a constructor is given shows in what the methods do with it.
            shell = reading.classes[routine.owner]
            self.places.update({f"self.{f.name}": (f.name,) for f in shell.fields})
            bodies += [r.node.body for name, r in shell.routines.items() if name != "__init__"]
        for _ in range(2):  # names bound below are used above in loops
            for statement in itertools.chain.from_iterable(bodies):
                self.visit(statement)

    def hint(self, place, what, weight=1):
        if place is not None:
            known = self.hints.setdefault(place, {})
            known[what] = known.get(what, 0) + weight

    def place(self, node):
        """Where the value of an expression comes from, if it is (part of) a parameter."""
        if isinstance(node, ast.Name):
            return self.places.get(node.id)
        if isinstance(node, ast.Attribute):
            return self.places.get(dotted(node))
        if isinstance(node, ast.Subscript):
            base = self.place(node.value)
            if base is None:
                return None
            if isinstance(node.slice, ast.Slice):
                return base
            if isinstance(node.slice, ast.Constant) and type(node.slice.value) is str:
                return (*base, "." + node.slice.value)
            return (*base, "[]")
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name.rpartition(".")[2] in SAME_ELEMENTS and len(node.args) >= 1:
                return self.place(node.args[0])
            if isinstance(node.func, ast.Name) and name in ("min", "max") and len(node.args) == 1:
                place = self.place(node.args[0])
                return place and (*place, "[]")
            if isinstance(node.func, ast.Attribute):
                base = self.place(node.func.value)
                if base is None:
                    return None
                if node.func.attr in (
                    "lower",
                    "upper",
                    "strip",
                    "copy",
                    "title",
                    "replace",
                    "lstrip",
                    "rstrip",
                    "casefold",
                ):
                    return base
                if node.func.attr in ("get", "pop", "setdefault"):
                    first = node.args[0] if node.args else None
                    if isinstance(first, ast.Constant) and type(first.value) is str:
                        return (*base, "." + first.value)
                    return (*base, "[]")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.place(node.left)
        if isinstance(node, ast.IfExp):
            return self.place(node.body) or self.place(node.orelse)
        if isinstance(node, ast.BoolOp):
            return self.place(node.values[0])
        return None

    def bind(self, target, place):
        if place is None:
            return
        if isinstance(target, (ast.Name, ast.Attribute)):
            self.places.setdefault(dotted(target), place)
        elif isinstance(target, (ast.Tuple, ast.List)):
            if not any(isinstance(e, ast.Starred) for e in target.elts):
                self.hint(place, f"unpack{len(target.elts)}", 3)
            for index, element in enumerate(target.elts):
                self.bind(element, (*place, f"#{index}"))

    def iterate(self, target, source):
        """`for target in source`."""
        name = dotted(source.func).rpartition(".")[2] if isinstance(source, ast.Call) else ""
        if name == "enumerate" and source.args:
            if isinstance(target, ast.Tuple) and len(target.elts) == 2:
                self.iterate(target.elts[1], source.args[0])
        elif name == "zip":
            if isinstance(target, ast.Tuple):
                for part, argument in zip(target.elts, source.args):
                    self.iterate(part, argument)
        elif name in ("items", "values", "keys") and isinstance(source.func, ast.Attribute):
            place = self.place(source.func.value)
            if place is not None:
                value = (*place, "{}")
                if name == "items" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
                    self.bind(target.elts[0], (*place, "key"))
                    self.bind(target.elts[1], value)
                elif name == "values":
                    self.bind(target, value)
                else:
                    self.bind(target, (*place, "key"))
        elif name in ("split", "splitlines") and isinstance(source.func, ast.Attribute):
            self.hint(self.place(source.func.value), "str", 4)
        else:
            place = self.place(source)
            if place is not None:
                self.hint(place, "iterated", 2)
                self.bind(target, (*place, "[]"))

    def visit_For(self, node):
        self.iterate(node.target, node.iter)
        self.generic_visit(node)

    visit_AsyncFor = visit_For

    def visit_comprehension(self, node):
        self.iterate(node.target, node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node):
        for generator in node.generators:
            self.visit(generator)
        self.generic_visit(node)

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp

    def visit_Assign(self, node):
        for target in node.targets:
            self.bind(target, self.place(node.value))
            if isinstance(target, ast.Subscript):
                self.hint(self.place(target.value), "stored", 2)
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        # Functions inside take parts of our parameters, by other names: follow the calls.
        self.generic_visit(node)

    def visit_BinOp(self, node):
        left, right = self.place(node.left), self.place(node.right)
        for place, other in ((left, node.right), (right, node.left)):
            if place is None:
                continue
            constant = other.value if isinstance(other, ast.Constant) else None
            if isinstance(constant, str):
                self.hint(place, "str" if isinstance(node.op, ast.Add) else "int", 3)
            elif isinstance(node.op, ast.Mult) and isinstance(other, (ast.List, ast.JoinedStr)):
                self.hint(place, "int", 2)
            elif isinstance(constant, float):
                self.hint(place, "number", 3)
            elif isinstance(
                node.op, (ast.Mod, ast.FloorDiv, ast.BitAnd, ast.LShift, ast.RShift, ast.BitXor)
            ):
                if not (
                    place is left and isinstance(node.op, ast.Mod) and isinstance(other, ast.Tuple)
                ):
                    self.hint(place, "int", 3)
            elif isinstance(node.op, NUMBER_OPERATORS) or isinstance(constant, (int, float)):
                self.hint(place, "number", 3)
            elif isinstance(node.op, (ast.Add, ast.Mult)):
                if isinstance(other, ast.List):
                    self.hint(place, "list", 3)
                else:
                    self.hint(place, "number", 1)
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        place = self.place(node.value)
        if isinstance(node.op, (ast.Sub, ast.Mult, ast.Div)):
            self.hint(place, "number", 2)
        elif isinstance(node.op, ast.Add):
            self.hint(place, "number", 1)
        self.hint(self.place(node.target), "number", 1)
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if isinstance(node.op, (ast.USub, ast.UAdd, ast.Invert)):
            self.hint(self.place(node.operand), "number", 3)
        self.generic_visit(node)

    def visit_Compare(self, node):
        sides = [node.left, *node.comparators]
        for first, op, second in zip(sides, node.ops, sides[1:]):
            for one, other in ((first, second), (second, first)):
                place = self.place(one)
                if place is None:
                    continue
                if isinstance(op, (ast.In, ast.NotIn)):
                    if one is second:
                        self.hint(place, "container", 2)
                    elif isinstance(other, (ast.List, ast.Tuple, ast.Set)) and other.elts:
                        self.compared(place, other.elts[0], 3)
                    elif isinstance(other, ast.Constant) and isinstance(other.value, str):
                        self.hint(place, "str", 3)
                elif not isinstance(op, (ast.Is, ast.IsNot)):
                    self.compared(place, other, 2 if isinstance(op, (ast.Eq, ast.NotEq)) else 3)
                elif isinstance(other, ast.Constant) and other.value is None:
                    self.hint(place, "optional", 1)
        self.generic_visit(node)

    def compared(self, place, other, weight):
        if isinstance(other, ast.UnaryOp):
            other = other.operand
        if isinstance(other, ast.Constant):
            value = other.value
            if isinstance(value, bool):
                self.hint(place, "bool", 2)
            elif isinstance(value, str):
                self.hint(place, "str", weight)
            elif isinstance(value, (int, float)):
                self.hint(place, "number", weight)
        elif isinstance(other, ast.Call) and dotted(other.func) in ("len", "sum", "int"):
            self.hint(place, "number", weight)
        elif isinstance(other, ast.BinOp) and isinstance(other.op, (*NUMBER_OPERATORS, ast.Mult)):
            texts = any(
                isinstance(n, ast.Constant) and type(n.value) is str for n in ast.walk(other)
            )
            self.hint(place, "str" if texts else "number", weight + 2)
        elif isinstance(other, ast.List):
            self.hint(place, "list", weight)

    def visit_While(self, node):
        for part in [node.test, *getattr(node.test, "values", ())]:
            if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not):
                part = part.operand
            if isinstance(part, ast.Name):
                self.hint(self.place(part), "optional", 1)
        self.generic_visit(node)

    visit_If = visit_While

    def visit_Subscript(self, node):
        place = self.place(node.value)
        if place is not None:
            if isinstance(node.slice, ast.Slice):
                self.hint(place, "sliced", 3)
            elif isinstance(node.slice, ast.Constant) and type(node.slice.value) is str:
                self.hint(place, "record", 4)
                self.keys.setdefault(place, {}).setdefault(node.slice.value)
            else:
                self.hint(place, "indexed", 2)
            parts = [node.slice]
            if isinstance(node.slice, ast.Slice):
                parts = [node.slice.lower, node.slice.upper, node.slice.step]
            for part in parts:
                if isinstance(part, ast.UnaryOp):
                    part = part.operand
                self.hint(self.place(part), "int", 2)
        elif isinstance(node.value, ast.Name):
            self.hint(self.place(node.slice), "key", 1)
        self.generic_visit(node)

    def visit_Attribute(self, node):
        place = self.place(node.value)
        if place is not None:
            self.attributes.setdefault(place, {}).setdefault(node.attr)
            if node.attr in STR_METHODS:
                self.hint(place, "str", 4)
            elif node.attr in LIST_METHODS:
                self.hint(place, "list", 4)
            elif node.attr in DICT_METHODS:
                self.hint(place, "dict", 4)
            elif node.attr in SET_METHODS:
                self.hint(place, "set", 4)
            elif node.attr in DATE_METHODS:
                self.hint(place, "datetime", 4)
            elif node.attr in ("days", "total_seconds"):
                self.hint(place, "timedelta", 4)
            elif node.attr in ("pop", "remove", "clear", "copy", "index", "count"):
                self.hint(place, "list", 2)
            elif node.attr == "update":
                self.hint(place, "dict", 2)
        self.generic_visit(node)

    def visit_Call(self, node):
        name = dotted(node.func)
        last = name.rpartition(".")[2]
        places = [self.place(a) for a in node.args]
        first = places[0] if places else None
        if isinstance(node.func, ast.Name) and node.func.id in self.places:
            self.hint(self.place(node.func), f"called{len(node.args)}", 5)
        elif isinstance(node.func, ast.Attribute) and last == "get" and node.args:
            place = self.place(node.func.value)
            if place and isinstance(node.args[0], ast.Constant) and type(node.args[0].value) is str:
                self.hint(place, "record", 3)
                self.keys.setdefault(place, {}).setdefault(node.args[0].value)
        if name == "isinstance" and len(node.args) == 2 and first:
            kinds = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
            for part in kinds:
                if dotted(part) in ("int", "float", "str", "bool", "list", "dict", "set", "tuple"):
                    self.hint(first, dotted(part), 2)
        elif name == "range" or name in NUMERIC_CALLS:
            for place in places:
                self.hint(
                    place, "int" if name in ("range", "bin", "hex", "oct", "chr") else "number", 4
                )
        elif name.startswith("math."):
            for place in places:
                self.hint(
                    place,
                    "int"
                    if last in ("gcd", "factorial", "comb", "isqrt", "perm", "lcm")
                    else "number",
                    3,
                )
        elif (
            name
            in (
                "len",
                "sorted",
                "list",
                "tuple",
                "set",
                "reversed",
                "any",
                "all",
                "enumerate",
                "iter",
                "Counter",
                "filter",
                "map",
            )
            or last == "Counter"
        ):
            for place in places:
                self.hint(place, "sized" if name == "len" else "iterated", 2)
            if name == "map" and len(node.args) == 2 and places[1]:
                if dotted(node.args[0]) in ("int", "float"):
                    self.hint((*places[1], "[]"), "digits", 2)
                elif dotted(node.args[0]) == "str":
                    self.hint(places[1], "list", 1)
        elif name in ("sum",) and first:
            self.hint(first, "list", 3)
            self.hint((*first, "[]"), "number", 3)
        elif name in ("min", "max"):
            if len(places) == 1:
                self.hint(first, "iterated", 2)
            else:
                for place in places:
                    self.hint(place, "number", 2)
        elif name in ("int", "float"):
            self.hint(first, "digits", 2)
        elif name == "ord":
            self.hint(first, "str", 4)
        elif last == "join" and isinstance(node.func, ast.Attribute) and first:
            self.hint((*first, "[]"), "str", 3)
        elif last in (
            "match",
            "fullmatch",
            "search",
            "findall",
            "sub",
            "split",
        ) and name.startswith("re."):
            self.hint(places[-1], "str", 4)
        elif last in ("strptime", "fromisoformat", "loads"):
            self.hint(first, "str", 4)
        elif name in self.reading.functions and self.gather is not None:
            self.passed_on(node, self.reading.functions[name])
        self.generic_visit(node)

    def passed_on(self, call, routine):
        """What another function of the source does with what it is given."""
        theirs = self.gather(routine)
        if theirs is None:
            return
        for parameter, argument in zip(routine.parameters, call.args):
            place = self.place(argument)
            if place is None:
                continue
            for (name, *steps), hints in list(theirs.hints.items()):
                if name == parameter.name:
                    for what, weight in hints.items():
                        self.hint((*place, *steps), what, min(weight, 3))
            annotated = kind_of_annotation(parameter.annotation, self.reading)
            if annotated is not None and annotated[0] in ("int", "str", "float", "list", "dict"):
                self.hint(place, {"float": "number"}.get(annotated[0], annotated[0]), 4)

    # -- conclusions ---------------------------------------------------------

    def below(self, place):
        return any(p[: len(place)] == place and len(p) > len(place) for p in self.hints)

    def kinds(self, place, name="", depth=0):
        """Kinds that fit what is done with a place, the likeliest first; [] when nothing is."""
        if (
            depth > 3
            or place not in self.hints
            and place not in self.attributes
            and not self.below(place)
        ):
            named = kind_of_name(name) if name else None
            return [named] if named else []
        key = (place, name, depth)
        if key not in self.concluded:
            self.concluded[key] = self.conclude(place, name, depth)
        return self.concluded[key]

    def conclude(self, place, name, depth):
        hints = self.hints.get(place, {})
        get = hints.get
        scored = []
        called = sorted(h for h in hints if h.startswith("called"))
        if called:
            return [("callable", int(called[0][6:]))]
        for class_name, shell in self.reading.classes.items():
            asked = set(self.attributes.get(place, ()))
            if asked - COMMON_METHODS and asked <= members_of(shell):
                kind = ("enum" if shell.is_enum else "object", class_name)
                return [union([kind, NONE]) if get("optional") else kind]
        unpacked = [h for h in hints if h.startswith("unpack")]
        if unpacked:
            count = int(unpacked[0][6:])
            parts = [self.likeliest((*place, f"#{i}"), depth) for i in range(count)]
            return [("tuple", *parts), ("list", parts[0])]
        if get("record") and place in self.keys:
            fields = tuple(
                (k, self.likeliest((*place, "." + k), depth, k)) for k in self.keys[place]
            )
            return [("record", fields)]
        sized = sum(
            get(h, 0) for h in ("iterated", "sized", "sliced", "indexed", "container", "stored")
        )
        element = self.kinds((*place, "[]"), depth=depth + 1)
        scored.append(
            (
                get("str", 0)
                + (0.9 * sized if not get("stored") else 0) * (STR in element or not element)
                + get("digits", 0),
                STR,
            )
        )
        numeric = get("number", 0) + get("int", 0)
        scored.append(
            (numeric - sized + get("digits", 0) * 0.9, INT if get("int") or get("key") else NUMBER)
        )
        inside = [k for k in element if k != ANY] or [INT, STR]
        list_score = (
            get("list", 0) + sized + (2 if element and element != [STR] else 0) - 2 * get("str", 0)
        )
        for rank, kind in enumerate(inside[:2]):
            scored.append((list_score - rank * 0.5, ("list", kind)))
        values = [*self.kinds((*place, "{}"), depth=depth + 1), *element] or [INT]
        keys = self.kinds((*place, "key"), depth=depth + 1) or [STR]
        scored.append(
            (
                get("dict", 0) * 2 + 0.3 * get("indexed", 0) + 0.3 * get("container", 0),
                ("dict", keys[0], values[0]),
            )
        )
        scored.append((get("set", 0) * 2, ("set", inside[0])))
        scored.append((get("bool", 0), BOOL))
        scored.append((get("datetime", 0) * 2, DATETIME))
        scored.append((get("timedelta", 0) * 2, TIMEDELTA))
        scored.append((get("tuple", 0) * 1.5, ("tuple*", inside[0])))
        scored.append((get("float", 0), FLOAT))
        named = kind_of_name(name) if name else None
        if named is not None:
            scored = [
                (
                    s
                    + (
                        2
                        if k[0] == named[0] or {k[0], named[0]} <= {"int", "number", "float"}
                        else 0
                    ),
                    k,
                )
                for s, k in scored
            ]
        best = sorted((entry for entry in scored if entry[0] > 0.5), key=lambda entry: -entry[0])
        if best and best[0][0] >= 4 and (len(best) == 1 or best[0][0] >= 2 * best[1][0]):
            self.certain.add(place)
        return [kind for _, kind in best]

    def likeliest(self, place, depth, name=""):
        found = self.kinds(place, name, depth + 1)
        return found[0] if found else kind_of_name(name) or INT


def members_of(shell):
    members = set(shell.routines) | {f.name for f in shell.fields}
    for node in ast.walk(shell.node):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            members.add(node.attr)
    if shell.is_enum:
        members |= {"name", "value"}
    return members


class Guesser:
    """Kinds of all parameters of all routines of a source."""

    def __init__(self, reading):
        self.reading = reading
        self.evidence, self.guessed = {}, {}

    def gather(self, routine):
        if routine.path not in self.evidence:
            self.evidence[routine.path] = None  # against endless recursion
            self.evidence[routine.path] = Evidence(routine, self.reading, self.gather)
        return self.evidence[routine.path]

    def declared(self, parameter):
        """The kind that the source states, or None."""
        kind = kind_of_annotation(parameter.annotation, self.reading)
        if kind is not None and parameter.star:
            return ("list", kind)
        return kind

    def guesses(self, routine, parameter, examples=()):
        """Kinds to try, the likeliest first."""
        key = (routine.path, parameter.name, repr(examples))
        if key not in self.guessed:
            self.guessed[key] = self.guess(routine, parameter, examples)
        return self.guessed[key]

    def guess(self, routine, parameter, examples):
        evidence = self.gather(routine)
        if parameter.star == "*":
            found = evidence.kinds((parameter.name,))
            return [k for k in found if k[0] == "list"] or [("list", INT), ("list", STR)]
        found = [kind_of_value(value) for value in examples]
        if parameter.default is not None:
            try:
                value = ast.literal_eval(parameter.default)
                if value is not None and value not in ([], {}, ()):
                    found.append(kind_of_value(value))
            except (ValueError, TypeError, SyntaxError):
                pass
        found += evidence.kinds((parameter.name,), parameter.name)
        named = kind_of_name(parameter.name)
        if named is not None:
            found.append(named)
        unique = []
        for kind in found:
            if kind not in unique and kind != NONE:
                unique.append(kind)
        return unique


def refine(declared, guesses):
    """A declared kind, with what the code does filled in where the declaration says `Any`."""
    if declared == ANY:
        return guesses[0] if guesses else union([INT, STR])
    for guess in guesses:
        if guess[0] == declared[0] and len(guess) == len(declared):
            if declared[0] in ("list", "set", "tuple*", "dict", "deque"):
                pairs = zip(declared[1:], guess[1:])
                return (
                    declared[0],
                    *[refine(d, [g]) if d == ANY or d[0] == g[0] else d for d, g in pairs],
                )
    return declared
