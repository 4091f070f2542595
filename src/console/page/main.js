// The page: puts its parts together and keeps them in step.

import { Account } from './account.js';
import { AccountDialog } from './account-dialog.js';
import { Api, Problem, asProblem } from './api.js';
import { $, make } from './dom.js';
import { setUpFiles } from './files.js';
import { Generation } from './generation.js';
import { History } from './history.js';
import { locale, say, translate } from './messages.js';
import { hush, offerUndo, setUpNotices, tell } from './notices.js';
import { setUpDialogs, setUpKeys, setUpPreferences, showShortcuts } from './preferences.js';
import { Run } from './run.js';
import { BotCheck } from './turnstile.js';
import { Workspace } from './workspace.js';

/** Problems that trying again does not mend. */
const LASTING = ['INVALID_REQUEST', 'PAYLOAD_TOO_LARGE', 'FORBIDDEN', 'NOT_SAVED', 'GENERATION_BLOCKED', 'GENERATION_TRUNCATED', 'INTERNAL'];

class Page {
  constructor(settings, catalog) {
    const account = new Account(settings.supabase);
    const api = new Api(account, locale);
    this.work = new Workspace(catalog);
    const languageName = code => this.work.nameOf(code);
    const { tests } = this.work;
    this.account = new AccountDialog({ account, api });
    this.generation = new Generation({ api, editor: tests, botCheck: new BotCheck(settings.turnstile, $('turnstile')) });
    this.run = new Run({ api, editor: tests, languageName });
    this.history = new History({ api, languageName });
    this.lastOrder = {};
  }

  start() {
    this.wireWork();
    this.wireGeneration();
    this.wireResult();
    this.wireRun();
    this.wireHistory();
    this.wireAccount();
    this.wireNetwork();
    setUpPreferences(() => this.translate());
    setUpDialogs();
    setUpKeys({ generate: () => this.generate(), run: () => this.execute(), stop: () => this.stop() });
    this.translate();
    this.refresh();
    document.documentElement.dataset.ready = 'true';
  }

  stop() {
    this.generation.stop();
    this.run.stop();
  }

  /** What can be pressed now. */
  refresh() {
    const generating = this.generation.isRunning;
    const running = this.run.isRunning;
    const empty = this.work.tests.value.trim() === '';
    $('stop').hidden = !generating;
    $('generate').disabled = generating || !this.work.fits;
    $('regenerate').disabled = generating || empty || !this.work.fits;
    $('copy').disabled = empty;
    $('download').disabled = empty;
    $('run').disabled = generating || empty;
    $('run').hidden = running;
    $('run-stop').hidden = !running;
  }

  translate() {
    translate();
    showShortcuts();
    this.work.translate();
    this.generation.show();
    this.run.translate();
    this.account.show();
    this.showNetwork();
  }

  wireWork() {
    const { work } = this;
    work.addEventListener('change', () => this.refresh());
    work.addEventListener('replace', () => {
      this.generation.reset();
      this.run.stop();
      this.run.clear();
      hush();
    });
    setUpFiles(work.catalog.limits.input_code_max_chars, (text, language) => work.open(text, language));
  }

  // ── Generating ───────────────────────────────────────────────────────────────────────────────

  generate(options = {}) {
    if (this.generation.isRunning) return;
    if (!this.work.fits) {
      tell('LENGTH', $('source-count').textContent);
      return;
    }
    this.lastOrder = options;
    this.account.signedIn(() => {
      hush();
      const { source, language, model, description } = this.work;
      this.generation.run({
        input_code: source.value,
        language,
        model,
        ...(description === '' ? {} : { description }),
        ...options,
      });
    });
  }

  wireGeneration() {
    const { generation, work } = this;
    $('compose').addEventListener('submit', event => {
      event.preventDefault();
      this.generate();
    });
    $('regenerate').addEventListener('click', () => this.generate({ is_regenerate: true }));
    $('stop').addEventListener('click', () => generation.stop());
    let typed = null;
    generation.addEventListener('begin', () => {
      const hadFocus = document.activeElement === $('generate') || document.activeElement === $('regenerate');
      typed = null;
      work.source.mark([]);
      this.refresh();
      if (hadFocus) $('stop').focus();
    });
    generation.addEventListener('stream', () => {
      if (work.edited && work.tests.value.trim() !== '') typed = work.tests.value;
      work.edited = false;
      this.run.stop();
      this.run.clear();
    });
    generation.addEventListener('end', ({ detail: how }) => {
      const hadFocus = document.activeElement === $('stop');
      if (how !== 'replaced' && typed !== null) this.offerTyped(typed);
      if (generation.receipt?.history_id) this.history.forget();
      this.refresh();
      // The button that had the focus is gone.
      if (hadFocus) ($('run').disabled ? $('generate') : $('run')).focus();
      this.account.askStatus();
    });
    generation.addEventListener('problem', ({ detail }) => this.explain(detail, () => this.generate(this.lastOrder)));
  }

  offerTyped(text) {
    offerUndo(say('replaced'), () => {
      this.run.clear();
      this.work.tests.value = text;
      this.work.edited = true;
    });
  }

  wireResult() {
    const { tests } = this.work;
    $('copy').addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(tests.value);
      } catch {
        return tell('COPY', say('copy_failed'));
      }
      $('copy').textContent = say('copied');
      return setTimeout(() => ($('copy').textContent = say('copy')), 1_500);
    });
    $('download').addEventListener('click', () => {
      const href = URL.createObjectURL(new Blob([tests.value], { type: 'text/plain' }));
      make('a', { href, download: this.work.fileName }).click();
      // Once the download has taken it.
      setTimeout(() => URL.revokeObjectURL(href), 10_000);
    });
  }

  // ── Running ──────────────────────────────────────────────────────────────────────────────────

  execute() {
    if ($('run').disabled || this.run.isRunning) return;
    this.account.signedIn(() => {
      hush();
      const { source, tests, language } = this.work;
      this.run.run({ code: source.value, test_code: tests.value, language });
    });
  }

  wireRun() {
    const { run } = this;
    $('run').addEventListener('click', () => this.execute());
    $('run-stop').addEventListener('click', () => run.stop());
    // Of the two buttons one is there at a time; the focus goes with it.
    for (const [moment, from, to] of [['begin', 'run', 'run-stop'], ['end', 'run-stop', 'run']]) {
      run.addEventListener(moment, () => {
        const hadFocus = document.activeElement === $(from);
        this.refresh();
        if (hadFocus) $(to).focus();
      });
    }
    run.addEventListener('problem', ({ detail }) => this.explain(detail, () => this.execute()));
  }

  // ── History and account ──────────────────────────────────────────────────────────────────────

  wireHistory() {
    this.history.addEventListener('restore', ({ detail: item }) => {
      this.work.open(item.input_code, item.language, item.generated_code);
      this.generation.enter('restored');
    });
    this.history.addEventListener('problem', ({ detail }) => this.explain(detail, () => this.history.open()));
  }

  wireAccount() {
    this.account.addEventListener('change', () => this.history.forget());
    this.account.addEventListener('leave', () => this.work.keepNow());
    this.account.addEventListener('problem', ({ detail }) => this.explain(detail, () => {}));
  }

  // ── Problems ─────────────────────────────────────────────────────────────────────────────────

  /** Says what is wrong and what to do about it: in the server's words where it has some. */
  explain(problem, again) {
    const { code, detail, message, retryAfter, status } = problem;
    const own = say(`problem_${code}`, { status });
    const text = code === 'UNAUTHORIZED' || message === '' ? own : message;
    if (code === 'VALIDATION_ERROR') this.explainSource(text, detail, again);
    else if (code === 'UNAUTHORIZED') tell(code, text, { label: say('sign_in'), act: () => this.account.open(again) });
    else if (code === 'INSUFFICIENT_TOKENS') tell(code, text, { label: say('account'), act: () => this.account.open() });
    else if (LASTING.includes(code)) tell(code, text);
    else tell(code, text, { label: say('retry'), act: again, after: retryAfter ?? 0 });
  }

  explainSource(text, { language, line: trimmedLine }, again) {
    const { work } = this;
    if (typeof language === 'string') {
      const act = () => {
        work.choose(language);
        again();
      };
      tell('VALIDATION_ERROR', text, { label: say('use_language', { language: work.nameOf(language) }), act });
    } else if (typeof trimmedLine === 'number') {
      // The server counts in the trimmed text.
      const line = trimmedLine + /^\s*/.exec(work.source.value)[0].split('\n').length - 1;
      work.source.mark([{ line, message: text }]);
      tell('VALIDATION_ERROR', text, { label: say('show_line', { line }), act: () => work.source.goTo(line) });
    } else tell('VALIDATION_ERROR', text);
  }

  wireNetwork() {
    for (const type of ['online', 'offline']) addEventListener(type, () => this.showNetwork());
  }

  showNetwork() {
    $('offline').hidden = navigator.onLine;
    $('offline').textContent = navigator.onLine ? '' : say('offline');
    if (navigator.onLine) hush('OFFLINE');
  }
}

async function load(path) {
  const response = await fetch(path, { cache: 'no-store', credentials: 'omit' }).catch(() => {
    throw new Problem(navigator.onLine ? 'UNREACHABLE' : 'OFFLINE');
  });
  if (!response.ok) throw new Problem('UNREADABLE', { status: response.status });
  return response.json();
}

async function begin() {
  try {
    const [settings, catalog] = await Promise.all([load('/console/settings.json'), load('/api/languages')]);
    new Page(settings, catalog).start();
  } catch (error) {
    const { code, message, status } = asProblem(error);
    tell(code, message || say(`problem_${code}`, { status }), { label: say('retry'), act: begin });
  }
}

translate();
setUpNotices();
begin();
