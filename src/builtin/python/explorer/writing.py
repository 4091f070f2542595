"""Writing: rows become pytest functions that a person can read."""

WIDTH = 100
ID_LENGTH = 60
SECTIONS = ("example", "behaviour", "property", "error", "unexpected")
RESERVED = {
    "request",
    "made",
    "calls",
    "arguments",
    "expected",
    "error",
    "message",
    "printed",
    "capsys",
    "monkeypatch",
}
HEADLINE = (
    '"""Tests that pin down what the code does today.',
    "",
    "They were made without a model: the code was run with many inputs, and the calls that tell it from",
    "slightly changed versions of itself were kept. They show current behaviour, not intended behaviour.",
    "A failing test means that something changed, not that it is wrong.",
    '"""',
    "",
)


class Page:
    """The test file: names in use, imports that are needed, blocks in order."""

    def __init__(self, namespace, reading):
        self.namespace = namespace
        self.reading = reading
        self.taken = set(namespace)
        self.modules = {}
        self.uses_shape = False
        self.shape = free_name("shape", namespace)
        self.linked = free_name("linked", namespace)
        self.state = {}  # globals to put back before each test
        self.text, self.targets = "", []  # of drafts that were sent

    def need(self, *modules):
        """Names under which modules can be used here without hiding a name of the user."""
        found = []
        for name in modules:
            self.modules[name] = module_alias(name, self.namespace)
            found.append(self.modules[name])
        return found[0] if len(found) == 1 else found

    def name(self, wanted):
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}_{number}", number + 1
        self.taken.add(name)
        return name

    def header(self, targets, body):
        """Everything above the tests, for tests with this text."""
        lines = list(HEADLINE)
        names = list(dict.fromkeys(t.partition(".")[0] for t in targets))
        self.need("pytest")
        fixture = ["", "", *self.fixture()] if self.state else []
        for name in LIBRARY_MODULES:
            if f"{module_alias(name, self.namespace)}." in body + "\n".join(fixture):
                self.need(name)
        for name, alias in sorted(self.modules.items()):
            if name != "pytest":
                lines.append(f"import {name}" + (f" as {alias}" if alias != name else ""))
        if len(self.modules) > 1:
            lines.append("")
        alias = self.modules["pytest"]
        lines.append("import pytest" + (f" as {alias}" if alias != "pytest" else ""))
        if names:
            told = "In a file of their own, these tests need: from your_module import " + ", ".join(
                names
            )
            lines += [
                "",
                *textwrap.wrap(told, WIDTH, initial_indent="# ", subsequent_indent="#     "),
            ]
        if self.uses_shape:
            lines += ["", "", SHAPE_HELPER.rstrip("\n").replace("shape(", f"{self.shape}(")]
        if f"{self.linked}(" in body:
            lines += ["", "", LINK_HELPER.rstrip("\n").replace("linked(", f"{self.linked}(")]
        lines += fixture
        return "\n".join(lines) + "\n"

    def fixture(self):
        pytest_name, sys_name = self.need("pytest", "sys")
        lines = [
            f"@{pytest_name}.fixture(autouse=True)",
            "def fresh_module_state(monkeypatch):",
            '    """Start each test from the state that the module has when it is loaded."""',
            f"    module = {sys_name}.modules[__name__]",
        ]
        lines += [
            f'    monkeypatch.setattr(module, "{name}", {text})'
            for name, text in self.state.items()
        ]
        return lines


def mark(page):
    return f"@{page.need('pytest')}.mark.parametrize"


def words_of(path):
    """`f` or `C.m` as part of the name of a test."""
    owner, _, name = path.rpartition(".")
    return f"{variable_name(owner)}_{name}" if owner else name


class Namer:
    """Ids of rows: what sort of inputs this is, unique within its test."""

    def __init__(self):
        self.given = {}

    def __call__(self, entry):
        case = entry.case
        values = (*case.arguments, *case.keywords.values())
        label = ", ".join([label_of(v) for v in values]) or "no arguments"
        if case.origin == "example" and len(label) < ID_LENGTH - 9:
            label = f"example {label}"
        label = re.sub(r"[^A-Za-z0-9 ,.'=<>+*/_()%-]", "", label)[:ID_LENGTH].strip() or "case"
        number = self.given[label] = self.given.get(label, 0) + 1
        if number == 1:
            return label
        return self(entry) if f"{label} {number}" in self.given else f"{label} {number}"


def label_of(value):
    """Few words for a value."""
    kind = type(value)
    if kind in (int, float, bool) or value is None:
        return repr(value)
    if kind is str:
        if not value:
            return "empty text"
        if value.isspace():
            return "blank text"
        return (
            value
            if len(value) <= 16 and re.fullmatch(r"[\w .'+*/-]+", value, re.A)
            else class_of_value(value)
        )
    if kind in (list, tuple, set, dict):
        name = kind.__name__
        if not value:
            return f"empty {name}"
        if len(value) == 1:
            only = next(iter(value))
            return f"only {label_of(only)}" if type(only) in (int, float, str) else f"{name} of one"
        if kind in (list, tuple):
            return f"{len(value)} {order_of(list(value))}"
        return f"{name} of {len(value)}"
    if isinstance(value, Raw):
        made = re.search(r"\b([A-Z]\w*)\(", value.text)
        count = made and len(re.findall(rf"\b{made.group(1)}\(", value.text))
        return f"{made.group(1)} of {count}" if made and count > 1 else value.text
    return kind.__name__


class FunctionWriter:
    """The tests of one function."""

    def __init__(self, target, rows, page):
        self.target, self.rows, self.page = target, rows, page
        self.path = target.path
        self.parameters = target.parameters
        self.names = {}
        for parameter in self.parameters:
            name = parameter.name
            while (
                name in RESERVED
                or name in page.namespace
                or name in vars(builtins)
                and name in ("list", "type")
            ):
                name += "_"
            self.names[parameter.name] = name

    def blocks(self):
        results, errors, unexpected = [], [], []
        for entry in self.rows:
            step = entry.outcome.last
            if not step.error:
                results.append(entry)
            elif step.documented:
                errors.append(entry)
            else:
                unexpected.append(entry)
        base = f"test_{words_of(self.path)}"
        found = []
        # Functions that are returned are called in a test of their own.
        giving = [e for e in results if e.outcome.last.calls and self.is_full(e)]
        found += self.results(giving, base + "_makes_a_function", "behaviour")
        results = [e for e in results if not e.outcome.last.calls]
        full = [e for e in results if self.is_full(e)]
        short = [e for e in results if not self.is_full(e)]
        examples = [e for e in full if e.case.origin == "example"]
        if examples and len(full) > len(examples):
            full = [e for e in full if e.case.origin != "example"]
            found += self.results(examples, base + "_examples", "example")
        found += self.results(full, base, "behaviour")
        found += self.plain(short, base + "_with_defaults")
        found += self.errors(errors, base + "_raises", "error")
        found += self.errors(unexpected, base + "_raises_today", "unexpected")
        return found

    def is_full(self, entry):
        """Whether each parameter was given a value."""
        if any(p.star for p in self.parameters):
            return True
        given = len(entry.case.arguments) + len(entry.case.keywords)
        return given == len(self.parameters)

    # -- the call --------------------------------------------------------------

    def columns(self):
        """(parameter names of the test, text of the call's arguments)."""
        names, call = [], []
        for parameter in self.parameters:
            name = self.names[parameter.name]
            names.append(name)
            if parameter.star == "*":
                call.append(f"*{name}")
            elif parameter.keyword_only:
                call.append(f"{parameter.name}={name}")
            else:
                call.append(name)
        return names, ", ".join(call)

    def cells(self, case):
        """The texts of a row's arguments, one for each column."""
        found, rest = [], list(case.texts)
        for parameter in self.parameters:
            if parameter.star == "*":
                inside = ", ".join(rest)
                found.append(f"({inside},)" if len(rest) == 1 else f"({inside})")
                rest = []
            elif parameter.keyword_only:
                found.append(case.keyword_texts.get(parameter.name) or self.default(parameter))
            else:
                found.append(rest.pop(0) if rest else self.default(parameter))
        return found

    def default(self, parameter):
        return ast.unparse(parameter.default)

    def invocation(self, arguments, drained):
        call = f"{self.target.called}({arguments})"
        if self.target.routine.is_async:
            call = f"{self.page.need('asyncio')}.run({call})"
        if drained:
            itertools_name = self.page.need("itertools")
            call = f"list({itertools_name}.islice({call}, {DRAIN_LIMIT}))"
        return call

    # -- results -----------------------------------------------------------------

    def results(self, rows, name, section):
        if not rows:
            return []
        shaped = any(e.outcome.last.shaped for e in rows)
        drained = any(e.outcome.last.drained for e in rows)
        prints = any(e.outcome.printed for e in rows)
        changed = self.changed_columns(rows)
        watched = [] if changed else self.watched_columns(rows)
        always = all(e.outcome.last.text in ("True", "False", "None") for e in rows)
        nothing = all(e.outcome.last.text == "None" for e in rows) and (prints or changed)
        gives = any(e.outcome.last.calls for e in rows)
        names, call = self.columns()
        action = self.invocation(call, drained)
        body = []
        if gives:
            body.append(f"    made = {action}")
            action = "[made(*arguments) for arguments in calls]"
        if shaped:
            self.page.uses_shape = True
            action = f"{self.page.shape}({action})"
        columns = list(names)
        if gives:
            columns.append("calls")
        if not nothing:
            columns.append("expected")
        columns += [f"{names[c]}_after" for c in changed]
        if prints:
            columns.append("printed")
        if watched:
            copy_name = self.page.need("copy")
            kept = [f"    {names[c]}_before = {copy_name}.deepcopy({names[c]})" for c in watched]
            body = [*kept, *(body or [""])]
        if nothing:
            body.append(f"    {action}")
        else:
            body.append(f"    assert {action} {'is' if always else '=='} expected")
        for column in changed:
            argument = names[column]
            if any((column, True) in e.outcome.changed for e in rows):
                self.page.uses_shape = True
                body.append(f"    assert {self.page.shape}({argument}) == {argument}_after")
            else:
                body.append(f"    assert {argument} == {argument}_after")
        body += [f"    assert {names[c]} == {names[c]}_before" for c in watched]
        if prints:
            body.append("    assert capsys.readouterr().out == printed")
        made = []
        for entry in rows:
            cells = self.cells(entry.case)
            if gives:
                cells.append(entry.outcome.last.calls or "[]")
            if not nothing:
                cells.append(self.expected(entry))
            cells += [(entry.outcome.after or cells)[c] or cells[c] for c in changed]
            if prints:
                cells.append(text_of_string(entry.outcome.printed))
            made.append((entry, cells))
        fixtures = ["capsys"] if prints else []
        return [self.table(name, section, columns, made, body, fixtures)]

    def expected(self, entry):
        step = entry.outcome.last
        return approximate(step.text, self.page)

    def changed_columns(self, rows):
        """Arguments that a call changed."""
        if any(p.star or p.keyword_only for p in self.parameters):
            return []
        return sorted({column for entry in rows for column, _ in entry.outcome.changed})

    def watched_columns(self, rows):
        """Arguments that could have been changed, and were not."""
        if any(p.star or p.keyword_only for p in self.parameters):
            return []
        found = set()
        for entry in rows:
            for column, mutable in enumerate(entry.case.mutable):
                if mutable and not entry.case.made[column]:
                    found.add(column)
        return sorted(found)

    def table(self, name, section, columns, rows, body, fixtures=()):
        """A test with one row a case."""
        page, name = self.page, self.page.name(name)
        if not columns:
            entry = rows[0][0]
            return {
                "target": self.path, "section": section, "name": name, "rows": [], "test_id": name,
                "before": f"def {name}({', '.join(fixtures)}):\n" + "\n".join(body) + "\n", "after": "", "entries": [entry],
            }  # fmt: skip
        head = (
            f'"{columns[0]}"'
            if len(columns) == 1
            else "(" + ", ".join(f'"{c}"' for c in columns) + ")"
        )
        namer, made = Namer(), []
        for entry, cells in rows:
            label = namer(entry)
            made.append(
                {"test_id": f"{name}[{label}]", "text": self.row(cells, label), "entry": entry}
            )
        before = f"{mark(page)}(\n    {head},\n    [\n"
        if len(before.splitlines()[1]) > WIDTH:
            listed = "".join(f'        "{c}",\n' for c in columns)
            before = f"{mark(page)}(\n    (\n{listed}    ),\n    [\n"
        after = (
            f"    ],\n)\ndef {name}({', '.join([*columns, *fixtures])}):\n" + "\n".join(body) + "\n"
        )
        return {
            "target": self.path,
            "section": section,
            "name": name,
            "before": before,
            "rows": made,
            "after": after,
        }

    def row(self, cells, label):
        start = f"        {self.page.need('pytest')}.param("
        line = f'{start}{", ".join(cells)}, id="{label}"),\n'
        if len(line) <= WIDTH + 1:
            return line
        parts = "".join(f"            {cell},\n" for cell in [*cells, f'id="{label}"'])
        return f"{start}\n{parts}        ),\n"

    def plain(self, rows, name):
        """Calls that leave parameters to their defaults: written out, a test for each."""
        found = []
        for entry in rows[:8]:
            step = entry.outcome.last
            given = ", ".join(
                [*entry.case.texts, *(f"{k}={v}" for k, v in entry.case.keyword_texts.items())]
            )
            action = self.invocation(given, step.drained)
            if step.shaped:
                self.page.uses_shape = True
                action = f"{self.page.shape}({action})"
            test = self.page.name(name)
            sign = "is" if step.text in ("True", "False", "None") else "=="
            body = f"    assert {action} {sign} {approximate(step.text, self.page)}\n"
            fixtures = ""
            if entry.outcome.printed:
                fixtures = "capsys"
                body += f"    assert capsys.readouterr().out == {text_of_string(entry.outcome.printed)}\n"
            found.append({
                "target": self.path, "section": "behaviour", "name": test, "rows": [], "test_id": test,
                "before": f"def {test}({fixtures}):\n{body}", "after": "", "entries": [entry],
            })  # fmt: skip
        return found

    # -- exceptions ----------------------------------------------------------------

    def errors(self, rows, name, section):
        rows = [e for e in rows if self.is_full(e)]
        if not rows:
            return []
        pytest_name = self.page.need("pytest")
        with_message = section == "error" and all(e.outcome.last.message is not None for e in rows)
        names, call = self.columns()
        kinds = list(dict.fromkeys(e.outcome.last.error for e in rows))
        one_kind = kinds[0] if len(kinds) == 1 else None
        messages = list(dict.fromkeys(e.outcome.last.message for e in rows))
        one_message = messages[0] if with_message and len(messages) == 1 else None
        columns, extra = list(names), []
        if one_kind is None:
            columns.append("error")
            extra.append(lambda step: step.error)
        if with_message and one_message is None:
            columns.append("message")
            extra.append(lambda step: text_of_string(step.message))
        match = ""
        if one_message:
            match = f", match={match_of(one_message, self.page)}"
        elif with_message and one_message is None:
            match = f', match="^" + {self.page.need("re")}.escape(message) + "$"'
        action = self.invocation(
            call, any(e.outcome.last.drained for e in rows) or self.is_generator()
        )
        body = [
            f"    with {pytest_name}.raises({one_kind or 'error'}{match}):",
            f"        {action}",
        ]
        if section == "unexpected":
            body.insert(0, "    # Raises today; is that meant?")
        made = [(e, self.cells(e.case) + [give(e.outcome.last) for give in extra]) for e in rows]
        return [self.table(name, section, columns, made, body)]

    def is_generator(self):
        return any(
            isinstance(n, (ast.Yield, ast.YieldFrom)) for n in ast.walk(self.target.routine.node)
        )


class ObjectWriter:
    """The tests of one class: each life of an object is a test."""

    def __init__(self, target, rows, page):
        self.target, self.rows, self.page = target, rows, page

    def blocks(self):
        return [self.block(entry) for entry in self.rows]

    def block(self, entry):
        case, steps = entry.case, entry.outcome.steps
        name = self.page.name(self.title(entry))
        lines = []
        if steps[0].error:
            lines += self.raising(case.created, steps[0])
        else:
            lines += [f"    {case.variable} = {case.created}"]
        looked = False
        for call, line, step in zip(case.calls, case.lines, steps[1:]):
            looks = call.style == "attribute" or call.name in LOOKS
            if looks and not looked or len(lines) == 1:
                lines.append("")
            looked = looks
            lines += self.statement(call, line, step, case.variable)
        if entry.outcome.printed:
            lines += [
                "",
                f"    assert capsys.readouterr().out == {text_of_string(entry.outcome.printed)}",
            ]
        fixtures = "capsys" if entry.outcome.printed else ""
        raised = [s for s in steps if s.error]
        section = "behaviour"
        if raised:
            section = "error" if all(s.documented for s in raised) else "unexpected"
        return {
            "target": self.target.path, "section": section, "name": name, "rows": [], "test_id": name,
            "before": f"def {name}({fixtures}):\n" + "\n".join(lines) + "\n", "after": "", "entries": [entry],
        }  # fmt: skip

    def statement(self, call, line, step, variable):
        action = line
        if call.style == "await":
            action = f"{self.page.need('asyncio')}.run({action})"
        if step.error:
            return self.raising(action, step)
        if step.drained:
            action = f"list({self.page.need('itertools')}.islice({action}, {DRAIN_LIMIT}))"
        if step.kind == ITSELF:
            return [f"    assert {action} is {variable}"]
        if step.text == "None" and call.style in ("call", "await"):
            return [f"    {action}"]
        if step.shaped:
            self.page.uses_shape = True
            action = f"{self.page.shape}({action})"
        else:
            action = enclosed(action, call)
        if step.text in ("True", "False", "None"):
            return [f"    assert {action} is {step.text}"]
        return [f"    assert {action} == {approximate(step.text, self.page)}"]

    def raising(self, action, step):
        pytest_name = self.page.need("pytest")
        match = (
            f", match={match_of(step.message, self.page)}"
            if step.documented and step.message
            else ""
        )
        note = [] if step.documented else ["    # Raises today; is that meant?"]
        return [*note, f"    with {pytest_name}.raises({step.error}{match}):", f"        {action}"]

    def title(self, entry):
        """`test_stack_push_then_pop`, after the methods that are called."""
        names = []
        for call in entry.case.calls:
            if (
                call.style in ("call", "await")
                or call.name not in LOOKS
                and call.style != "attribute"
            ):
                plain = call.name.strip("_")
                if plain not in names:
                    names.append(plain)
        last = entry.outcome.last
        words = "_then_".join(names[:3]) if names else "starts_out"
        if last.error:
            words = (
                (words if names else "creation")
                + "_raises_"
                + variable_name(last.error.rpartition(".")[2])
            )
        return f"test_{variable_name(self.target.name)}_{words}"


def enclosed(action, call):
    """In parentheses where an operator of the object would mix with that of the assertion."""
    return f"({action})" if re.fullmatch(r"… \S+ …|-…", call.style) else action


def match_of(message, page):
    """The `match` for one message: as it is when nothing in it is special, else escaped."""
    if re.fullmatch(r"[\w ,:;'=<>!@%&~-]+", message):
        return text_of_string(f"^{message}$")
    return f'"^" + {page.need("re")}.escape({text_of_string(message)}) + "$"'


def approximate(text, page):
    """The expected value; through `approx` where floating-point arithmetic left its traces."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return (
            f"{page.need('pytest')}.approx({text}, nan_ok=True)" if text == 'float("nan")' else text
        )
    kind = type(value)
    if kind is float and is_computed(value):
        return f"{page.need('pytest')}.approx({text})"
    if kind in (list, tuple) and any(type(v) is float and is_computed(v) for v in value):
        if all(type(v) in (int, float) for v in value):
            return f"{page.need('pytest')}.approx({text})"
    return text


def is_computed(value):
    return len(repr(value)) > 8 and math.isfinite(value)
