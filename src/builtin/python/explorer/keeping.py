"""Keeping: which of all cases become rows of the tests.

Each case is judged by the mutants it tells from the program. Then the rows are chosen greedily:
what nothing else covers or kills, then what kills mutants that few others kill, then what is of
another sort than the rows that are there.
"""

MOST_CANDIDATES = 130
SLOW_SECONDS = 0.4
EASY_AFTER = 20  # cases, after which a mutant that most of them kill is not looked at further
MUTANT_STEPS = 2_000_000  # steps for all runs of mutants of one source
MOST_MUTANTS, MORE_MUTANTS = 290, 30  # of one source, and for each of its targets
ROW_STEPS = 2_500_000  # steps that the tests of one target may take
ROW_SECONDS, NOTICED_SECONDS = 1.0, 0.05  # the same in time, of calls that take more than that


def candidates_of(explored, most=MOST_CANDIDATES):
    """A varied part of the cases, small ones first."""
    groups = {}
    for entry in explored:
        if entry.outcome.seconds > SLOW_SECONDS:
            continue  # a test nobody would wait for
        groups.setdefault((entry.reach, entry.classes[1]), []).append(entry)
    for group in groups.values():
        group.sort(
            key=lambda e: (e.case.origin != "example", e.case.size > 60, e.case.size // 12, e.order)
        )
    found, depth = [], 0
    while len(found) < most:
        layer = [group[depth] for group in groups.values() if depth < len(group)]
        if not layer:
            break
        seen = {e.classes[0] for e in found}
        layer.sort(
            key=lambda e: (
                e.case.origin != "example",
                e.classes[0] in seen,
                e.outcome.spent > 20_000,
                e.order,
            )
        )
        found += layer[: most - len(found)]
        depth += 1
    return found


class Choice:
    """The rows of one target, chosen for what they add to each other."""

    def __init__(self, candidates, most):
        self.candidates = [c for c in candidates]
        self.most = most
        self.killed = {}
        self.seen = set()
        self.chosen = []
        self.steps, self.seconds = 0, 0.0

    def affordable(self, entry):
        """Whether the tests stay quick with this one, too."""
        slow = entry.outcome.seconds if entry.outcome.seconds > NOTICED_SECONDS else 0.0
        return self.steps + entry.outcome.spent <= ROW_STEPS and self.seconds + slow <= ROW_SECONDS

    def gain(self, entry):
        killed, seen = self.killed, self.seen
        gain = sum([KILL_WORTH[min(killed.get(m, 0), 6)] for m in entry.kills])
        gain += 1.0 * len(entry.reach - seen)
        gain += 1.0 * (("input", entry.classes[0]) not in seen)
        gain += 0.6 * (("result", entry.classes[1]) not in seen)
        gain += 0.5 * (("value", entry.outcome.key) not in seen)
        return gain / (1 + entry.case.size / 120)

    def take(self, entry):
        self.chosen.append(entry)
        self.steps += entry.outcome.spent
        if entry.outcome.seconds > NOTICED_SECONDS:
            self.seconds += entry.outcome.seconds
        for mutant in entry.kills:
            self.killed[mutant] = self.killed.get(mutant, 0) + 1
        self.seen |= entry.reach
        self.seen |= {
            ("input", entry.classes[0]),
            ("result", entry.classes[1]),
            ("value", entry.outcome.key),
        }

    def run(self):
        waiting = list(self.candidates)
        for entry in [e for e in waiting if e.case.origin == "example"][:10]:
            self.take(entry)
            waiting.remove(entry)
        while waiting and len(self.chosen) < self.most:
            affordable = [e for e in waiting if self.affordable(e)]
            if not affordable:
                break
            best = max(affordable, key=self.gain)
            if self.gain(best) < 0.12:
                break
            self.take(best)
            waiting.remove(best)
        self.chosen.sort(key=lambda e: (e.case.origin != "example", e.case.size > 30, e.order))
        return self.chosen


KILL_WORTH = (4.0, 1.6, 0.8, 0.4, 0.2, 0.1, 0.04)


class Assay:
    """Runs candidates against mutants."""

    def __init__(self, world, candidates):
        self.world = world
        self.candidates = candidates
        self.total = self.killed_at_load = 0

    def run(self, deadline):
        world = self.world
        reached = {world.program.lines[n] for e in self.candidates for n in e.outcome.counts}
        targets = {e.case.target.path for e in self.candidates}
        mutants = breed(world.program, reached, MOST_MUTANTS + MORE_MUTANTS * len(targets))
        # Every part of the source gets its share, however soon time is up.
        random.Random(world.seed).shuffle(mutants)
        by_line = {}
        for entry in self.candidates:
            for number in entry.outcome.counts:
                by_line.setdefault(world.program.lines[number], []).append(entry)
        spent = 0
        for number, mutant in enumerate(mutants):
            if clock() > deadline or spent > MUTANT_STEPS:
                break
            concerned = self.concerned(mutant, by_line)
            code = mutant.code(world.program)
            if code is None or not concerned:
                continue
            self.total += 1
            try:
                namespace = world.runner.load(
                    world.program.mutated(mutant.statement, code), limit=200_000
                )
            except (Exception, Stop, Refused, SystemExit):
                self.killed_at_load += 1
                continue
            stopped = kills = 0
            for tried, entry in enumerate(concerned):
                if tried >= EASY_AFTER and kills * 2 > tried:
                    break  # whatever is kept will find this one
                if clock() > deadline:
                    break
                limit = entry.outcome.spent * 4 + 500
                outcome = world.runner.run(entry.case, namespace, limit)
                spent += outcome.spent
                if outcome.key != entry.outcome.key:
                    entry.kills.add(number)
                    kills += 1
                    # A mutant that never ends tells the same of every case.
                    stopped += outcome.status == STOPPED
                    if stopped > 4:
                        break

    def concerned(self, mutant, by_line):
        """The cases that come by the line of the mutant, or use what it changes in the module."""
        statement = self.world.program.plain_tree.body[mutant.statement]
        inside = isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        found = by_line.get(self.world.program.starts.get(mutant.line, mutant.line))
        if found is None and not inside:
            found = [e for e in self.candidates if mutant.statement in e.case.target.uses]
        elif found is None:  # a default, or the body of a class
            found = self.candidates
        found = list(dict.fromkeys(found or ()))
        if len(found) > MOST_CANDIDATES:
            step = len(found) / MOST_CANDIDATES
            found = [found[int(number * step)] for number in range(MOST_CANDIDATES)]
        return found
