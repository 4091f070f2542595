"""Properties: what holds for every input that was tried, written as such.

Only where much speaks for it: a property that holds by accident is worse than none.
"""

SUPPORT = 12  # inputs that must bear a property out
TELLING = 4  # among them such that a wrong function would most likely not
SHOWN = 8  # inputs in the test
MOST_PROPERTIES = 2  # of one function


class Property:
    """A statement about functions of one parameter, as an expression of that parameter."""

    def __init__(self, name, expression, target, entries):
        self.name, self.expression = name, expression
        self.target, self.entries = target, entries

    def holds(self, world):
        """Whether it holds for all inputs."""
        check = compile(f"lambda value: {self.expression('value')}", "<property>", "eval", 0, True)
        for entry in self.entries:
            outcome = world.runner.run(PropertyCase(entry.case, check), world.probed, FIRST_LIMIT)
            if outcome.status != OK or outcome.last.error or outcome.last.text != "True":
                return False
        return True


class PropertyCase:
    """A property for one input."""

    def __init__(self, case, check):
        self.case, self.check = case, check

    def run(self, runner, namespace, outcome):
        arguments, _ = eval(self.case.code, namespace)
        check = eval(self.check, namespace)
        outcome.steps.append(Step())
        runner.observe(outcome.last, namespace, lambda: check(*arguments))


def properties_of(target, targets, world):
    """The properties of a function that are well supported."""
    if not simple(target):
        return []
    entries = [e for e in target.explored if not e.outcome.last.error and is_plain(e)]
    if len(entries) < SUPPORT or any(e.outcome.changed for e in entries):
        return []
    call = target.called
    changed = [e for e in entries if e.outcome.last.text != e.case.texts[0]]
    found = []
    kinds = {e.outcome.last.kind for e in entries} | {
        type(e.case.arguments[0]).__name__ for e in entries
    }
    if len(kinds) == 1 and kinds <= {"str", "list", "tuple"}:
        sized = [e for e in changed if len(e.case.arguments[0]) > 1]
        if len(sized) >= TELLING and len(sized) < len(entries):
            found.append(
                Property(
                    "is_idempotent",
                    lambda v: f"{call}({call}({v})) == {call}({v})",
                    target,
                    entries,
                )
            )
            found.append(
                Property(
                    "keeps_the_length", lambda v: f"len({call}({v})) == len({v})", target, entries
                )
            )
    turned = [
        e
        for e in entries
        if type(e.case.arguments[0]) is list and e.case.arguments[0] != e.case.arguments[0][::-1]
    ]
    if len(turned) >= SUPPORT and len({e.outcome.last.text for e in turned}) >= TELLING:
        found.append(
            Property(
                "does_not_depend_on_order",
                lambda v: f"{call}({v}[::-1]) == {call}({v})",
                target,
                turned,
            )
        )
    for other in targets:
        if other is not target and simple(other) and len(changed) >= SUPPORT:
            if len({e.outcome.last.text for e in changed}) >= SUPPORT:
                name = f"is_undone_by_{words_of(other.path)}"
                found.append(
                    Property(
                        name,
                        lambda v, back=other.called: f"{back}({call}({v})) == {v}",
                        target,
                        entries,
                    )
                )
    return [p for p in found if p.holds(world)][:MOST_PROPERTIES]


def simple(target):
    """A plain function of one argument."""
    return (
        isinstance(target, FunctionTarget)
        and len(target.parameters) == 1
        and not target.parameters[0].star
        and not target.parameters[0].keyword_only
        and not target.routine.is_async
        and not target.is_random
    )


def is_plain(entry):
    return (
        len(entry.case.arguments) == 1
        and not entry.outcome.last.shaped
        and not entry.outcome.last.drained
        and not entry.outcome.last.calls
    )


class PropertyWriter:
    """The tests of properties."""

    def __init__(self, writer, rows):
        self.writer, self.rows = writer, rows

    def block(self, found):
        """A test of one property, with the inputs of rows that are there anyway."""
        chosen = [e for e in self.rows if e in found.entries][:SHOWN]
        if len(chosen) < 3:
            return None
        name = self.writer.names[found.target.parameters[0].name]
        body = [f"    assert {found.expression(name)}"]
        made = [(e, [e.case.texts[0]]) for e in chosen]
        return self.writer.table(
            f"test_{words_of(found.target.path)}_{found.name}", "property", [name], made, body
        )
