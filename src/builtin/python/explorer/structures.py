"""Objects of the source's classes as inputs: lists, trees and graphs of nodes, too."""

LINK_NAMES = {
    "next",
    "prev",
    "previous",
    "left",
    "right",
    "parent",
    "child",
    "nxt",
    "tail",
    "down",
    "random",
}
MANY_LINKS = {"children", "neighbors", "neighbours", "adjacent", "edges", "kids", "nodes"}
BACKWARD = {"prev", "previous", "parent", "random"}
DEEPEST_OBJECT = 3

# Sets attributes that no constructor takes, so that a structure is one expression.
LINK_HELPER = "\n".join((
    "def linked(node, **fields):",
    '    """The node, with these attributes set."""',
    "    for name, value in fields.items():",
    "        setattr(node, name, value)",
    "    return node",
    "",
))  # fmt: skip


def link_attributes(shell, reading):
    """Attributes of a class that hold other objects of it: (one each, many each)."""
    own = members_of(shell) - set(shell.routines)
    stepped = set()
    for node in ast.walk(reading.tree):
        # `node = node.next`, and `f(node.left)` inside `f`.
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):
            for target in node.targets:
                if (
                    isinstance(target, ast.Name)
                    and dotted(node.value.value).partition(".")[0] == target.id
                ):
                    stepped.add(node.value.attr)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for part in ast.walk(node):
                if isinstance(part, ast.Call) and dotted(part.func).rpartition(".")[2] == node.name:
                    stepped |= {a.attr for a in part.args if isinstance(a, ast.Attribute)}
    for field in shell.fields:
        kind = repr(kind_of_annotation(field.annotation, reading))
        if f"('object', '{shell.name}')" in kind:
            stepped.add(field.name)
    many = sorted(own & MANY_LINKS)
    return sorted(own & (LINK_NAMES | stepped) - MANY_LINKS), many


class Structures:
    """Draws expressions that make objects."""

    def __init__(self, world):
        self.world = world
        self.links = {}

    def __call__(self, class_name, sampler, depth):
        shell = self.world.reading.classes.get(class_name)
        if shell is None:
            return None
        if class_name not in self.links:
            self.links[class_name] = link_attributes(shell, self.world.reading)
        single, many = self.links[class_name]
        forward = [name for name in single if name not in BACKWARD]
        if (forward or many) and depth < 2:
            return self.structure(shell, sampler, forward, many)
        if depth > DEEPEST_OBJECT:
            return None
        return self.make(shell, sampler, {name: None for name in (*single, *many)}, depth)

    def structure(self, shell, sampler, forward, many):
        values = sampler.draw(("list", self.value_kind(shell)))[:6] or [
            sampler.draw(self.value_kind(shell))
        ]
        if many:
            return self.bush(shell, sampler, many[0], values)
        if len(forward) == 1:
            node = None
            for value in reversed(values):
                node = self.make(shell, sampler, {forward[0]: node}, 2, value)
            return node
        return self.tree(shell, sampler, forward[:2], values)

    def tree(self, shell, sampler, names, values):
        """Balanced, or leaning to one side, or grown at random."""
        if not values:
            return None
        chance = sampler.random.random()
        at = (
            len(values) // 2
            if chance < 0.6
            else 0
            if chance < 0.7
            else len(values) - 1
            if chance < 0.8
            else sampler.random.randrange(len(values))
        )
        sides = (values[:at], values[at + 1 :])
        inner = {name: self.tree(shell, sampler, names, side) for name, side in zip(names, sides)}
        return self.make(shell, sampler, inner, 2, values[at])

    def bush(self, shell, sampler, name, values):
        first, *rest = values
        half = sampler.random.randint(0, len(rest))
        parts = [part for part in (rest[:half], rest[half:]) if part]
        return self.make(
            shell,
            sampler,
            {name: [self.bush(shell, sampler, name, part) for part in parts] or None},
            2,
            first,
        )

    def value_kind(self, shell):
        """What a node holds: the kind of the first parameter that is no link."""
        constructor = self.world.constructor(shell)
        single, many = self.links[shell.name]
        for parameter in constructor.parameters:
            if parameter.name not in (*single, *many) and not parameter.star:
                return self.kind(constructor, parameter)
        return INT

    def kind(self, constructor, parameter):
        declared = self.world.guesser.declared(parameter)
        if declared is not None and declared != ANY:
            return declared
        return (self.world.guesser.guesses(constructor, parameter) or [INT])[0]

    def make(self, shell, sampler, links, depth, value=None):
        """One object. `links` are set through the constructor where it takes them."""
        constructor = self.world.constructor(shell)
        arguments, keywords, rest, filled = [], {}, dict(links), value is None
        for parameter in constructor.parameters:
            if parameter.star:
                continue
            if parameter.name in rest:
                given = rest.pop(parameter.name)
                if given is None and not parameter.required:
                    continue
            elif not filled:
                given, filled = value, True
            elif not parameter.required and sampler.random.random() < 0.5:
                continue
            else:
                given = sampler.draw(self.kind(constructor, parameter), depth + 1)
            in_place = (
                len(arguments) == constructor.parameters.index(parameter)
                and not parameter.keyword_only
            )
            if in_place and not keywords:
                arguments.append(given)
            else:
                keywords[parameter.name] = given
        text = spell_call(shell.name, Call("__init__", arguments, keywords), self.world.speller)
        fields = {name: node for name, node in rest.items() if node is not None}
        if fields:
            text = spell_call(
                self.world.linked, Call("linked", [Raw(text)], fields), self.world.speller
            )
        return Raw(text)
