// The kept calls as Jest tests.

const HEADER = [
  'These tests pin down what the code does today, found by running it: current behaviour, which is',
  'not always correct behaviour. They were made without a model. Where one of them surprises you, the',
  'code may be wrong. The code under test is defined in the same file.',
].map(line => `// ${line}\n`).join('');
const TAKE = '\nconst take = (iterator, count) => Array.from({ length: count }, () => iterator.next().value);\n';
const NOTE = '  // Throws today; is that meant?\n';
const TITLE_LIMIT = 90;
const ERRORS = new Set(['Error', 'TypeError', 'RangeError', 'SyntaxError', 'ReferenceError', 'EvalError', 'URIError', 'AggregateError']);
const RESERVED = new Set('await break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof undefined var void while with yield arguments eval expected title type message describe it test expect jest take'.split(' '));

// Whether JSON, which titles are made with, says of a value what its text says.
function isPlainData(value) {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) if (!(i in value) || !isPlainData(value[i])) return false;
    return true;
  }
  return kindOfInput(value) === 'object' && !types.isNativeError(value) && !('toJSON' in value) && Object.keys(value).every(key => isPlainData(value[key]));
}

const isInexact = value => typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value) && Math.abs(value) > 1e-3 && Math.abs(value) < 1e9 && numberText(value).replace(/[-.]/g, '').length > 8;

// A case in words.
function inWords(value) {
  const text = textOf(value);
  if (text.length <= 30) return text;
  if (typeof value === 'string') return `text of ${value.length} characters`;
  if (Array.isArray(value)) {
    const numbers = value.every(one => typeof one === 'number');
    const sorted = numbers && value.every((one, i) => i === 0 || value[i - 1] <= one);
    return `${value.length} ${numbers ? 'numbers' : 'elements'}${sorted ? ', sorted' : ''}${numbers && value.some(one => one < 0) ? ', some negative' : ''}${new Set(value).size < value.length ? ', with duplicates' : ''}`;
  }
  if (value instanceof Special) return value.text.slice(0, 40);
  if (isPlain(value)) return `an object with ${Object.keys(value).slice(0, 4).join(', ')}`;
  return `${text.slice(0, 40)}…`;
}

class TestWriter {
  constructor(plan) {
    this.plan = plan;
    this.ids = new Set();
    this.usesTake = false;
    // The code may have a function of its own by either name.
    this.it = /\b(?:function|const|let|var|class)\s+it\b/.test(plan.source) ? 'test' : 'it';
    this.classes = new Set(plan.targets.filter(target => target.kind === 'class').map(target => target.access));
  }

  header() {
    return HEADER + (this.usesTake ? TAKE : '');
  }

  uniqueTitle(describe, title) {
    let unique = title;
    for (let i = 2; this.ids.has(`${describe} > ${unique}`); i += 1) unique = `${title} (${i})`;
    this.ids.add(`${describe} > ${unique}`);
    return unique;
  }

  columns(target, count) {
    const used = new Set([...RESERVED, target.access.split('.')[0]]);
    const names = [];
    for (let i = 0; i < count; i += 1) {
      let name = target.parameters[i]?.name ?? `value${i + 1}`;
      while (used.has(name)) name += 'Value';
      used.add(name);
      names.push(name);
    }
    return names;
  }

  // All blocks of a function.
  ofCalls(target, entries) {
    const groups = new Map();
    for (const entry of entries) {
      const { outcome, job } = entry;
      const width = job.args.length;
      let key;
      if (outcome.status === 'value') {
        const close = isInexact(outcome.value) && !outcome.changed;
        key = `1value ${outcome.form} ${outcome.changed ? outcome.after.map(one => (one ? 'x' : '-')).join('') : ''} ${close} ${width}`;
      } else {
        key = `${outcome.intended ? 2 : 3}error ${outcome.form} ${outcome.native} ${width}`;
      }
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(entry);
    }
    return [...groups].sort(([a], [b]) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)).flatMap(([, group]) => this.group(target, group));
  }

  group(target, group) {
    const { outcome } = group[0];
    const columns = this.columns(target, group[0].job.args.length);
    const form = outcome.status === 'value' ? this.valueForm(target, group, columns) : this.errorForm(target, group, columns);
    const describe = target.name;
    const named = [];
    const plain = [];
    for (const entry of group) {
      const { job } = entry;
      const last = form.told(entry);
      const shown = [...job.args, ...last];
      const isData = shown.every(isPlainData);
      const title = isData ? form.title.replace(/%j/g, () => JSON.stringify(shown.shift())) : '';
      const fits = isData && title.length <= TITLE_LIMIT && !/[%$]/.test(title.replace(form.title, '')) && !this.ids.has(`${describe} > ${title}`);
      if (fits && group.length > 1) {
        this.ids.add(`${describe} > ${title}`);
        plain.push([entry, title]);
      } else {
        named.push([entry, this.uniqueTitle(describe, form.words(entry).slice(0, 200))]);
      }
    }
    const blocks = [];
    const open = `\ndescribe(${quote(describe)}, () => {\n`;
    const shared = { target: describe, section: outcome.status === 'value' ? 'behaviour' : outcome.intended ? 'error' : 'unexpected' };
    const asyncWord = form.isAsync ? 'async ' : '';
    const body = form.body.map(line => `    ${line}\n`).join('');
    const note = shared.section === 'unexpected' ? NOTE : '';
    if (plain.length > 0) {
      blocks.push({
        ...shared, name: form.title,
        before: `${open}${note}  ${this.it}.each([\n`,
        rows: plain.map(([entry, title]) => ({ test_id: `${describe} > ${title}`, text: `    [${[...entry.job.texts, ...form.cells(entry)].join(', ')}],\n` })),
        after: `  ])(${quote(form.title)}, ${asyncWord}(${[...columns, ...form.names].join(', ')}) => {\n${body}  });\n});\n`,
      });
    }
    if (named.length > 1) {
      blocks.push({
        ...shared, name: describe,
        before: `${open}${note}  ${this.it}.each([\n`,
        rows: named.map(([entry, title]) => ({ test_id: `${describe} > ${title}`, text: `    [${[quote(title), ...entry.job.texts, ...form.cells(entry)].join(', ')}],\n` })),
        after: `  ])('%s', ${asyncWord}(${['_title', ...columns, ...form.names].join(', ')}) => {\n${body}  });\n});\n`,
      });
    } else if (named.length === 1) {
      const [entry, title] = named[0];
      const cells = form.cells(entry);
      const settings = [...columns.map((name, i) => [name, entry.job.texts[i]]), ...form.names.map((name, i) => [name, cells[i]])];
      const lines = settings.map(([name, text]) => `    const ${name} = ${text};\n`).join('');
      blocks.push({
        ...shared, name: title, test_id: `${describe} > ${title}`, rows: [],
        before: `${open}${note}  ${this.it}(${quote(title)}, ${asyncWord}() => {\n${lines}${lines ? '\n' : ''}${body}  });\n`,
        after: '});\n',
      });
    }
    return blocks;
  }

  valueForm(target, group, columns) {
    const { outcome } = group[0];
    const call = `${target.access}(${columns.join(', ')})`;
    const structured = group.some(({ outcome: one }) => typeof one.value === 'object' && one.value !== null || typeof one.value === 'function');
    const loose = group.some(({ outcome: one }) => one.loose);
    const close = isInexact(outcome.value) && !outcome.changed;
    const matcher = close ? 'toBeCloseTo(expected, 8)' : loose ? 'toEqual(expected)' : structured ? 'toStrictEqual(expected)' : 'toBe(expected)';
    const changed = outcome.changed ? outcome.after.map((one, i) => (one ? i : -1)).filter(i => i >= 0) : [];
    const after = changed.map(i => `${columns[i]}After`);
    const isAsync = outcome.form === 'promise';
    const verbs = { plain: 'returns', promise: 'resolves to', iterator: 'yields', endless: 'begins with' };
    const verb = verbs[outcome.form];
    let received = call;
    if (outcome.form === 'iterator') received = `[...${call}]`;
    if (outcome.form === 'endless') {
      this.usesTake = true;
      received = `take(${call}, ${ENDLESS_ITEMS})`;
    }
    // Without a result of its own, a change to an argument is what counts.
    const silent = changed.length > 0 && group.every(({ outcome: one }) => one.text === 'undefined');
    const first = isAsync ? `await expect(${call}).resolves.${matcher};` : silent ? `${call};` : `expect(${received}).${matcher};`;
    const looseAfter = group.some(({ outcome: one }) => one.after?.some(cell => cell?.loose));
    return {
      isAsync,
      title: `(${columns.map(() => '%j').join(', ')}) ${silent ? `changes ${columns[changed[0]]} to %j` : `${verb} %j`}`,
      names: [...(silent ? [] : ['expected']), ...after],
      told: entry => (silent ? [undefined] : [entry.outcome.value]),
      cells: entry => [...(silent ? [] : [entry.outcome.text]), ...changed.map(i => entry.outcome.after[i].text)],
      words: entry => `(${entry.job.args.map(inWords).join(', ')}) ${silent ? `changes ${columns[changed[0]]}` : `${verb} ${inWords(entry.outcome.value)}`}`,
      body: [first, ...changed.map((i, n) => `expect(${columns[i]}).${looseAfter ? 'toEqual' : 'toStrictEqual'}(${after[n]});`)],
    };
  }

  errorType(outcome) {
    return ERRORS.has(outcome.name) || this.classes.has(outcome.name) ? outcome.name : 'Error';
  }

  errorForm(target, group, columns) {
    const { outcome } = group[0];
    const call = `${target.access}(${columns.join(', ')})`;
    const isAsync = outcome.form === 'promise';
    const verb = isAsync ? 'rejects with' : 'throws';
    const words = entry => `(${entry.job.args.map(inWords).join(', ')}) ${verb} ${entry.outcome.native ? entry.outcome.name : entry.outcome.text}`;
    const act = outcome.form === 'iterator' ? `[...${call}]` : call;
    if (!outcome.native) {
      const body = isAsync
        ? [`await expect(${call}).rejects.toEqual(expected);`]
        : ['let thrown;', 'try {', `  ${act};`, '} catch (error) {', '  thrown = error;', '}', 'expect(thrown).toEqual(expected);'];
      return { isAsync, title: `(${columns.map(() => '%j').join(', ')}) ${verb} %j`, names: ['expected'], told: () => [undefined], cells: entry => [entry.outcome.thrown?.text ?? 'undefined'], words, body };
    }
    const begin = isAsync ? `const act = () => expect(${call}).rejects;` : `const act = () => ${act};`;
    const expects = what => (isAsync ? `await act().toThrow(${what});` : `expect(act).toThrow(${what});`);
    // The wording of the engine's own errors is not the code's.
    const body = outcome.intended ? [begin, expects('type'), expects('message')] : [isAsync ? `await expect(${call}).rejects.toThrow(type);` : `expect(() => ${act}).toThrow(type);`];
    return {
      isAsync,
      title: `(${columns.map(() => '%j').join(', ')}) ${verb}`,
      names: outcome.intended ? ['type', 'message'] : ['type'],
      told: () => [],
      cells: entry => [this.errorType(entry.outcome), ...(outcome.intended ? [quote(entry.outcome.message)] : [])],
      words,
      body,
    };
  }

  // All blocks of a class: a test for each life of an object.
  ofLives(target, entries) {
    const describe = target.name;
    const lower = target.name.split('.').pop().replace(/^./, one => one.toLowerCase());
    const variable = target.kind === 'function' ? 'made' : RESERVED.has(lower) || lower === target.access ? 'instance' : lower;
    // What at times gives a result is asserted to give none at others.
    this.giving = new Set();
    for (const { job, outcome } of entries) outcome.notes?.forEach((note, i) => note.text !== 'undefined' && this.giving.add(job.steps[i].member.name));
    const bySection = new Map();
    for (const entry of entries) {
      const { section, row } = this.life(target, describe, variable, entry);
      if (!bySection.has(section)) bySection.set(section, []);
      const rows = bySection.get(section);
      rows.push(rows.length === 0 ? row : { ...row, text: `\n${row.text}` });
    }
    return [...bySection].map(([section, rows]) => ({
      target: describe, section, name: describe, rows,
      before: `\ndescribe(${quote(describe)}, () => {\n${section === 'unexpected' ? NOTE : ''}`,
      after: '});\n',
    }));
  }

  // The test of one life, and where it belongs.
  life(target, describe, variable, entry) {
    const { job, outcome } = entry;
    const made = `${target.kind === 'class' ? 'new ' : ''}${target.access}(${job.texts.join(', ')})`;
    if (outcome.status === 'error') {
      const title = this.uniqueTitle(describe, `${made} throws ${outcome.name}`.slice(0, 200));
      const what = outcome.native ? this.errorType(outcome) : '';
      const lines = [`    const act = () => ${made};`, '', `    expect(act).toThrow(${what});`];
      if (outcome.native && outcome.intended) lines.push(`    expect(act).toThrow(${quote(outcome.message)});`);
      return this.lifeTest(describe, title, lines, false, outcome.intended ? 'error' : 'unexpected');
    }
    const lines = [`    const ${variable} = ${made};`, ''];
    let isAsync = false;
    let unexpected = false;
    job.steps.forEach(({ member, args }, i) => {
      const note = outcome.notes[i];
      const texts = args.map(textOf).join(', ');
      const access = member.kind === 'call' ? variable : `${variable}.${member.name}`;
      const use = member.kind === 'get' ? access : member.kind === 'set' ? `${access} = ${texts}` : `${access}(${texts})`;
      if (note.status === 'error') {
        const what = note.native ? this.errorType(note) : '';
        unexpected ||= !note.intended;
        if (note.form === 'promise') {
          isAsync = true;
          lines.push(`    await expect(${use}).rejects.toThrow(${note.native ? (note.intended ? quote(note.message) : what) : ''});`);
        } else {
          const act = note.form === 'iterator' ? `[...${use}]` : member.kind === 'set' ? `{ ${use}; }` : use;
          lines.push(`    expect(() => ${act}).toThrow(${note.native && note.intended ? `new ${what === 'Error' || ERRORS.has(what) ? what : 'Error'}(${quote(note.message)})` : what});`);
        }
      } else if (note.status === 'self' || note.opaque || (note.text === 'undefined' && note.form !== 'promise' && !this.giving.has(member.name)) || member.kind === 'set') {
        lines.push(`    ${use};`);
      } else if (note.form === 'promise') {
        isAsync = true;
        lines.push(`    await expect(${use}).resolves.${note.loose || note.text.startsWith('[') || note.text.startsWith('{') ? 'toEqual' : 'toBe'}(${note.text});`);
      } else {
        const received = note.form === 'iterator' ? `[...${use}]` : note.form === 'endless' ? `take(${use}, ${ENDLESS_ITEMS})` : use;
        if (note.form === 'endless') this.usesTake = true;
        const structured = typeof note.value === 'object' && note.value !== null;
        const matcher = isInexact(note.value) ? `toBeCloseTo(${note.text}, 8)` : note.loose ? `toEqual(${note.text})` : structured ? `toStrictEqual(${note.text})` : `toBe(${note.text})`;
        lines.push(`    expect(${received}).${matcher};`);
      }
    });
    if (outcome.state.text !== '{}' && !outcome.state.opaque) lines.push(`    expect(${variable}).toMatchObject(${outcome.state.text});`);
    const steps = job.steps.map(({ member, args }) => `${member.kind === 'call' ? 'then ' : member.name}${member.kind === 'get' ? '' : `(${args.map(textOf).join(', ')})`}`);
    const told = steps.length === 0 ? `${made}` : `${job.texts.length > 0 ? `(${job.texts.join(', ')}) ` : ''}${steps.join(', ')}`;
    const title = this.uniqueTitle(describe, told.length > 120 ? `${told.slice(0, 119)}…` : told);
    if (lines.at(-1) === '' && target.kind === 'class') lines.push(`    expect(${variable}).toBeInstanceOf(${target.access});`);
    return this.lifeTest(describe, title, lines, isAsync, unexpected ? 'unexpected' : 'behaviour');
  }

  lifeTest(describe, title, lines, isAsync, section) {
    const text = `  ${this.it}(${quote(title)}, ${isAsync ? 'async ' : ''}() => {\n${lines.join('\n')}\n  });\n`;
    return { section, row: { test_id: `${describe} > ${title}`, text } };
  }
}
