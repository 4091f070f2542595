"""The whole way: load, search, judge by mutants, choose, run again, write."""

SHAKES = 2  # fresh instances in which each kept case is run again
DRAFT_ROWS, DRAFT_SECONDS = 12, 0.3
GRACE_SECONDS = 0.7  # beyond the budget, for running cases again
LUCKY_SHAKES = 14  # of cases that may depend on random numbers


class World:
    """Everything about the source that the parts of the explorer share."""

    def __init__(self, plan):
        self.seed = plan.get("seed", 1)
        self.reading = Reading(plan["source"])
        self.meter = Meter()
        self.warden = Warden(self.meter.exhaust)
        helpers = {}
        exec(LINK_HELPER, helpers)
        self.linked = free_name("linked", self.reading.globals)
        self.program = Program(self.reading, self.meter, {self.linked: helpers["linked"]})
        self.runner = Runner(self.program, self.warden, self.meter)
        self.guesser = Guesser(self.reading)
        self.constructors = {}
        self.instances = Structures(self)
        self.steady = {}

    def load(self):
        self.probed = self.runner.load(self.program.probed)
        self.speller = Speller(self.probed)

    def run_probed(self, case, limit):
        outcome = self.runner.run(case, self.probed, limit, record=True)
        if outcome.status != OK or self.runner.state.look(self.probed):
            # Nothing of a call that was cut short, or that changed globals, may stay.
            self.probed = self.runner.load(self.program.probed)
            self.speller.namespace = self.probed
            if outcome.status == OK:
                outcome = self.runner.run(case, self.probed, limit, record=True)
        return outcome

    def run_plain(self, case, limit):
        """Run a case without probes: faster, but what it reaches is not known."""
        outcome = self.runner.run(case, self.runner.load(self.program.plain), limit)
        outcome.counts, outcome.ways, outcome.operands, outcome.distances = {}, {}, {}, {}
        return outcome

    def steady_instance(self, shake):
        """Instances for running kept cases again, one for each shake."""
        if shake not in self.steady:
            names = scrambled_names(shake) if self.program.has_sets else None
            self.steady[shake] = self.runner.load(
                self.program.scrambled, names=names, chance=shake + 1
            )
        return self.steady[shake]

    def constructor(self, shell):
        """What makes objects of a class, also when it is not written out."""
        if shell.name not in self.constructors:
            routines = inherited_routines(shell, self.reading)
            written = routines.get("__init__")
            self.constructors[shell.name] = written or Routine.of_fields(shell)
        return self.constructors[shell.name]


def explore(plan_text):
    """Explore the source of a plan and print the records of a test suite."""
    plan = json.loads(plan_text)
    report = Reporter(plan["nonce"])
    try:
        world = World(plan)
    except (SyntaxError, ValueError, RecursionError) as error:
        report("broken", error=brief(error))
        return
    world.warden.install()
    try:
        Exploration(plan, world, report).run()
    finally:
        world.warden.uninstall()


def brief(error):
    text = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return text if len(text) <= 300 else text[:299] + "…"


class Exploration:
    """One run of the explorer."""

    def __init__(self, plan, world, report):
        self.plan, self.world, self.report = plan, world, report
        self.budget = Budget(plan.get("budget_ms", 6000) / 1000)
        self.most_rows = plan.get("max_rows", 40)
        self.skipped = []
        self.dropped = 0

    def run(self):
        if not self.load():
            return
        targets = self.targets()
        drafts = Page(self.world.probed, self.world.reading)
        for number, target in enumerate(targets):
            self.search(target, 1 / (len(targets) - number))
            self.draft(target, drafts)
        targets = [t for t in targets if t.explored]
        if len(targets) > 3:
            self.most_rows = max(self.most_rows * 4 // (len(targets) + 1), min(self.most_rows, 20))
        most = max(MOST_CANDIDATES * 3 // (len(targets) + 2), 45)
        candidates = {
            t.path: candidates_of(t.explored, min(most, MOST_CANDIDATES)) for t in targets
        }
        assay = Assay(self.world, [c for t in targets for c in candidates[t.path]])
        with contextlib.suppress(OutOfTime):
            assay.run(self.budget.part(0.8))
        until = self.budget.end + GRACE_SECONDS
        rows = {t.path: self.kept(candidates[t.path], self.most_rows, until) for t in targets}
        self.write(targets, rows, assay)

    def load(self):
        self.report("entering", target="<module>")
        try:
            self.world.load()
        except Stop:
            self.report("broken", error="loading the module does not come to an end")
        except Refused as refusal:
            self.report("broken", error=f"loading the module needs what is not there: {refusal}")
        except BaseException as error:
            self.report("broken", error=brief(error))
        else:
            return True
        return False

    def targets(self):
        """Public functions and classes; those with a leading underscore only when nothing else is there."""
        world = self.world
        found = []
        for name in world.reading.globals:
            value = world.probed.get(name)
            if name in world.reading.functions and callable(value) and not isinstance(value, type):
                found.append(FunctionTarget(world.reading.functions[name], world))
            elif name in world.reading.classes and isinstance(value, type):
                found += self.class_targets(world.reading.classes[name], value)
        public = [t for t in found if not t.path.startswith(("_", "test_"))]
        skip = set(self.plan.get("skip", ()))
        self.skipped += [
            f"{t.path}: ended or hung an earlier attempt" for t in found if t.path in skip
        ]
        return [t for t in public or found if t.path not in skip]

    def class_targets(self, shell, kind):
        """A class as a whole, and functions that only live in it."""
        world = self.world
        found = [
            FunctionTarget(routine, world)
            for routine in shell.routines.values()
            if routine.is_a("staticmethod", "classmethod") and not routine.name.startswith("_")
        ]
        if (
            issubclass(kind, BaseException)
            or inspect.isabstract(kind)
            or getattr(kind, "_is_protocol", False)
        ):
            return found
        routines = inherited_routines(shell, world.reading)
        if is_stateless(shell, routines):
            found += [
                FunctionTarget(routine, world, f"{shell.name}().{routine.name}")
                for routine in shell.routines.values()
                if not routine.is_a("staticmethod", "classmethod", "property")
                and not routine.name.startswith("_")
            ]
        elif shell.is_enum:
            found += [
                FunctionTarget(Routine.of_member(routine, shell.name), world)
                for routine in shell.routines.values()
                if not routine.is_a("staticmethod", "classmethod", "property")
                and not routine.name.startswith("_")
            ]
        else:
            found.append(ObjectTarget(shell, world))
        return found

    def search(self, target, share):
        self.report("entering", target=target.path)
        # Searching may take half of the time, in equal parts of what is left of it.
        half = (self.budget.started + self.budget.end) / 2
        deadline = clock() + max(half - clock(), 0.2) * share
        with contextlib.suppress(OutOfTime):
            target.explore(deadline)
        if not target.explored:
            reasons = sorted(target.refused) or [
                "no call came to an end"
                if target.stopped
                else "no call gave a result that can be written down"
            ]
            self.skipped.append(f"{target.path}: {reasons[0]}")

    def draft(self, target, page):
        """Tests of what is known so far: all that remains when a later target ends the process."""
        until = min(clock() + DRAFT_SECONDS, self.budget.end)
        rows = self.kept(candidates_of(target.explored, DRAFT_ROWS), DRAFT_ROWS, until)
        self.dropped = 0  # counted when it is final
        if not rows:
            return
        page.state = self.world.runner.state.initial()
        for block in self.written(target, rows, page):
            page.text += block["before"] + "".join(row["text"] for row in block["rows"])
            page.targets.append(target.path)
            self.report("draft", test=without_entries(block)[0])
        self.report("header", text=page.header(page.targets, page.text))

    def kept(self, candidates, most, until):
        """The rows of one target: those that are the same when run again elsewhere, then a choice."""
        candidates = [c for c in candidates if self.wanted(c)]
        steady = []
        for entry in candidates:
            if clock() > until:
                break  # what was not run again is not written
            if self.stands(entry):
                steady.append(entry)
            else:
                self.dropped += 1
        if steady and isinstance(steady[0].case, ObjectCase):
            most = most * 3 // 5  # each is a test of several lines
        return Choice(thinned(steady), most).run()

    def wanted(self, entry):
        step = entry.outcome.last
        if step.error and not step.documented:
            # Noise of inputs that nobody meant, more often than a promise.
            return step.error not in (
                "TypeError",
                "AttributeError",
                "NameError",
                "UnboundLocalError",
            )
        # Of a method that is left to others there is nothing to test.
        return step.error != "NotImplementedError"

    def stands(self, entry):
        """Whether a case gives the same in fresh instances, at another time, with other chances."""
        for shake in range(LUCKY_SHAKES if entry.case.target.is_random else SHAKES):
            with Elsewhen(shake):
                try:
                    namespace = self.world.steady_instance(shake % SHAKES)
                except (Exception, Stop, Refused):
                    return False
                limit = entry.outcome.spent * 2 + 1000
                outcome = self.world.runner.run(entry.case, namespace, limit, chance=shake + 1)
            if outcome.exact != entry.outcome.exact:
                return False
        return True

    def written(self, target, rows, page, found=()):
        """The blocks of one target; `found` are its properties."""
        writer = (ObjectWriter if isinstance(target, ObjectTarget) else FunctionWriter)(
            target, rows, page
        )
        blocks = writer.blocks()
        blocks += filter(None, [PropertyWriter(writer, rows).block(one) for one in found])
        for block in blocks:
            block["before"] = "\n\n" + block["before"]
        return blocks

    def write(self, targets, rows, assay):
        page = Page(self.world.probed, self.world.reading)
        page.state = self.world.runner.state.initial()
        found = {
            t.path: properties_of(t, targets, self.world) if clock() < self.budget.end else ()
            for t in targets
        }
        blocks = [
            b
            for t in targets
            if rows[t.path]
            for b in self.written(t, rows[t.path], page, found[t.path])
        ]
        # What may not be meant is at the end, apart from the rest.
        blocks.sort(key=lambda b: b["section"] == "unexpected")
        text = "".join(
            b["before"] + "".join(r["text"] for r in b["rows"]) + b["after"] for b in blocks
        )
        self.report("header", text=page.header([b["target"] for b in blocks], text))
        tests = count = 0
        kept = []
        for block in blocks:
            block, entries = without_entries(block)
            if self.report("test", test=block):
                tests += 1
                count += max(len(block["rows"]), 1)
                kept += entries
        program = self.world.program
        lines = {program.lines[n] for e in kept for n in e.outcome.counts}
        ways = {way for e in kept for way in e.outcome.ways}
        killed = set().union(*[e.kills for e in kept]) if kept else set()
        self.report(
            "summary", targets=len(targets), tests=tests, rows=count,
            lines={"covered": len(lines), "total": len(set(program.lines.values()))},
            branches={"covered": len(ways), "total": 2 * len(program.branches)},
            mutants={"killed": len(killed) + assay.killed_at_load, "total": assay.total},
            calls=self.world.runner.calls, seconds=round(clock() - self.budget.started, 3),
            dropped=self.dropped, skipped=self.skipped,
        )  # fmt: skip


def without_entries(block):
    """A block as it is reported, and the cases that it was made from."""
    entries = block.pop("entries", None) or [row.pop("entry") for row in block["rows"]]
    return block, entries


def thinned(candidates):
    """Few cases for each exception that just happens: they are noticed, not explored."""
    found, seen = [], {}
    for entry in candidates:
        step = entry.outcome.last
        if step.error and not step.documented:
            seen[step.error] = seen.get(step.error, 0) + 1
            if seen[step.error] > 3:
                continue
        found.append(entry)
    return found
