"""Values as text: inputs to be written, results to be asserted, both compared as text.

A result is turned into text at once, while the call is watched: it may change later, and
comparing two texts runs no user code.
"""

TEXT_LIMIT = 1500  # characters of one value that is still worth asserting
DEEPEST = 12
DRAIN_LIMIT = 30  # items taken of a generator

# Of the tests, and of the explorer: as lines, for an embedded program may lose blank ones.
SHAPE_HELPER = "\n".join((
    "def shape(value, outer=()):",
    '    """Plain data that says what a value is made of, for objects without an == of their own."""',
    "    if id(value) in outer or len(outer) > 12:",
    '        return "..."',
    "    outer = (*outer, id(value))",
    "    if type(value) in (list, tuple):",
    "        return type(value)([shape(item, outer) for item in value])",
    "    if isinstance(value, dict):",
    "        return {key: shape(item, outer) for key, item in value.items()}",
    '    if hasattr(value, "__next__"):',
    "        return [shape(item, outer) for _, item in zip(range(30), value)]",
    '    names = list(getattr(value, "__slots__", ())) + list(getattr(value, "__dict__", ()))',
    "    if not names or callable(value):",
    "        return value",
    "    fields = {name: shape(getattr(value, name), outer) for name in names if hasattr(value, name)}",
    "    return {type(value).__name__: fields}",
    "",
))  # fmt: skip


class Unshowable(Exception):
    """A value that no expression stands for."""


class Raw:
    """An input that has to be written as an expression: an instance, a function, an enum member."""

    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, Raw) and other.text == self.text

    def __hash__(self):
        return hash(self.text)

    def __repr__(self):
        return self.text


def text_of_float(value):
    if value != value:
        return 'float("nan")'
    if value in (math.inf, -math.inf):
        return 'float("inf")' if value > 0 else 'float("-inf")'
    return repr(value)


def text_of_string(value):
    """The literal, with double quotes as formatters of today write it."""
    text = repr(value)
    if text[0] == "'" and '"' not in text:
        text = '"' + text[1:-1].replace("\\'", "'") + '"'
    # A lone surrogate cannot be sent on as UTF-8.
    return text


LIBRARY_MODULES = {
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "uuid": ("UUID",),
    "pathlib": ("Path", "PosixPath", "PurePosixPath"),
    "collections": ("deque",),
}


def module_alias(name, namespace):
    """The name under which tests can use a module of the library without hiding a user's name."""
    bound = namespace.get(name)
    is_free = bound is None or isinstance(bound, types.ModuleType) and bound.__name__ == name
    return name if is_free else f"{name}_module"


def free_name(name, namespace):
    """The name of a helper of the tests, unless the user has something of that name."""
    return f"{name}_of_object" if name in namespace else name


class Speller:
    """Turns values into expressions that are right inside one module."""

    def __init__(self, namespace):
        self.namespace = namespace

    def class_name(self, kind):
        """How the module of the user calls a class, or None."""
        name = kind.__name__
        if self.namespace.get(name) is kind:
            return name
        for name, value in self.namespace.items():
            if value is kind and not name.startswith("__"):
                return name
        if kind.__name__ in LIBRARY_MODULES.get(kind.__module__, ()):
            name = "Path" if kind.__name__ == "PosixPath" else kind.__name__
            return f"{module_alias(kind.__module__, self.namespace)}.{name}"
        # A class inside a class.
        owner = self.namespace
        for part in kind.__qualname__.split("."):
            owner = owner.get(part) if isinstance(owner, dict) else vars(owner).get(part)
            if owner is None or not (owner is kind or isinstance(owner, type)):
                return None
        return kind.__qualname__ if owner is kind else None

    def spell(self, value, depth=0):
        kind = type(value)
        if kind is int or kind is bool or value is None:
            # Longer ones cannot be converted, or read.
            if kind is int and value.bit_length() > 700:
                raise Unshowable
            return repr(value)
        if kind is str:
            if len(value) > TEXT_LIMIT or value != value.encode("utf-8", "replace").decode():
                raise Unshowable
            return text_of_string(value)
        if kind is float:
            return text_of_float(value)
        if kind is Raw:
            return value.text
        if depth > DEEPEST:
            raise Unshowable
        deeper = depth + 1
        if kind is list:
            return "[" + ", ".join([self.spell(item, deeper) for item in value]) + "]"
        if kind is tuple:
            inside = ", ".join([self.spell(item, deeper) for item in value])
            return f"({inside},)" if len(value) == 1 else f"({inside})"
        if kind is dict or isinstance(value, dict):
            return "{" + ", ".join(
                [f"{self.spell(k, deeper)}: {self.spell(v, deeper)}" for k, v in value.items()]
            ) + "}"  # fmt: skip
        if kind.__name__ in ("set", "frozenset") and isinstance(value, (set, frozenset)):
            inside = ", ".join(sorted([self.spell(item, deeper) for item in value], key=by_size))
            text = "{" + inside + "}" if value else "set()"
            return text if isinstance(value, set) else f"frozenset({text if value else ''})"
        return self.spell_rare(value, kind, deeper)

    def spell_rare(self, value, kind, deeper):
        if kind in (bytes, bytearray, complex, range, type(NotImplemented), type(...)):
            return repr(value)
        if isinstance(value, enum.Enum):
            name = self.class_name(kind)
            if name and value.name and value.name.isidentifier():
                return f"{name}.{value.name}"
            raise Unshowable
        name = self.class_name(kind)
        if kind.__name__ == "deque" and name:
            return f"{name}({self.spell(list(value), deeper)})"
        if kind.__name__ in LIBRARY_MODULES.get(kind.__module__, ()) and name:
            return self.spell_library(value, kind, name)
        if isinstance(value, tuple) and name and hasattr(kind, "_fields"):
            fields = [f"{f}={self.spell(v, deeper)}" for f, v in zip(kind._fields, value)]
            return f"{name}({', '.join(fields)})"
        if getattr(kind, "__dataclass_params__", None) and name and kind.__dataclass_params__.eq:
            fields = kind.__dataclass_fields__.values()
            if all(f.init for f in fields) and "__init__" in vars(kind):
                given = [f"{f.name}={self.spell(getattr(value, f.name), deeper)}" for f in fields]
                if set(vars(value)) == set(kind.__dataclass_fields__):
                    return f"{name}({', '.join(given)})"
        if isinstance(value, (list, set)) and not hasattr(value, "__dict__"):
            return self.spell(list(value) if isinstance(value, list) else set(value), deeper)
        raise Unshowable

    def spell_library(self, value, kind, name):
        text = repr(value)
        if kind.__module__ == "datetime":
            if getattr(value, "tzinfo", None) is not None:
                raise Unshowable
            return name + text[text.index("(") :]
        if kind.__name__ == "Fraction":
            return f"{name}({value.numerator}, {value.denominator})"
        return f"{name}({text_of_string(str(value))})"


def by_size(text):
    return (len(text), text)


def loosened(value, top=True):
    """A text that is the same for values that `==` calls the same."""
    kind = type(value)
    if kind is bool:
        return repr(value) if top else repr(int(value))
    if kind is float or kind is int:
        if kind is int or value == int_or_none(value):
            return repr(int(value)) if abs(value) < 1 << 900 else "huge"
        return f"{value:.7g}"
    if kind is list or kind is tuple:
        return f"{kind.__name__}[" + ",".join([loosened(item, False) for item in value]) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(sorted([
            f"{loosened(k, False)}:{loosened(v, False)}" for k, v in value.items()
        ])) + "}"  # fmt: skip
    if isinstance(value, (set, frozenset)):
        return "{" + ",".join(sorted([loosened(item, False) for item in value])) + "}"
    return None


def int_or_none(value):
    return int(value) if math.isfinite(value) else None
