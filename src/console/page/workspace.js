// What the person works on: a program, its language, what it is meant to do, and its tests; kept
// over a reload, replaced as a whole by examples, files and the history.

import { languageOfText } from './detect.js';
import { $, debounced, make } from './dom.js';
import { keepDraft, lastDraft } from './drafts.js';
import { Editor } from './editor.js';
import { EXAMPLES } from './examples.js';
import { number, say } from './messages.js';
import { offerUndo } from './notices.js';

export class Workspace extends EventTarget {
  /**
   * Events: `change` when anything changed; `replace` when another program takes the place of the
   * one that was there.
   * @param {object} catalog what `GET /api/languages` answers
   */
  constructor(catalog) {
    super();
    this.catalog = catalog;
    this.source = new Editor($('source'), $('source-lines'));
    this.tests = new Editor($('tests'), $('tests-lines'));
    /** Whether the language was chosen by hand; else it follows the text. */
    this.chosen = false;
    /** Whether the tests hold what somebody typed. */
    this.edited = false;
    this.keep = debounced(250, () => keepDraft(this.draft()));
    this.fillChoices();
    this.show(lastDraft());
    document.querySelector('.intent').open = $('description').value !== '';
    this.wire();
  }

  get language() {
    return $('language').value;
  }

  get model() {
    return $('model').value;
  }

  get description() {
    return $('description').value.trim();
  }

  /** Whether the program is of a length that the server takes. */
  get fits() {
    const { input_code_max_chars: max, input_code_min_chars: min } = this.catalog.limits;
    return this.length >= min && this.length <= max;
  }

  nameOf(language) {
    return this.catalog.languages.find(({ code }) => code === language)?.name ?? language;
  }

  /** What the file of the tests is called. Java's is called like its class. */
  get fileName() {
    const name = this.language === 'java' ? /\bclass\s+(\w+)/.exec(this.tests.value)?.[1] : undefined;
    return name === undefined ? this.catalog.languages.find(({ code }) => code === this.language).file_name : `${name}.java`;
  }

  /** Chooses a language for the person, who can choose another. */
  setLanguage(language) {
    $('language').value = language;
    this.source.speak(language);
    this.tests.speak(language);
  }

  /** Chooses a language as the person would. */
  choose(language) {
    this.chosen = true;
    this.setLanguage(language);
    this.changed();
  }

  /**
   * Puts another program in, with a way back to the one before.
   * @param {string|null} language null where only the text can tell
   */
  open(text, language, tests = '') {
    const before = this.draft();
    this.show({ ...before, source: text, tests, language: language ?? languageOfText(text) ?? this.language, chosen: language !== null, edited: false });
    this.source.textarea.setSelectionRange(0, 0);
    this.source.textarea.focus({ preventScroll: true });
    if (before.source.trim() !== '' || before.tests.trim() !== '') offerUndo(say('replaced'), () => this.show(before));
  }

  draft() {
    return {
      source: this.source.value,
      tests: this.tests.value,
      language: this.language,
      chosen: this.chosen,
      edited: this.edited,
      model: this.model,
      description: $('description').value,
    };
  }

  /** Keeps everything now: the page is about to be left. */
  keepNow() {
    keepDraft(this.draft());
  }

  show({ source = '', tests = '', language, chosen = false, edited = false, model, description = '' }) {
    this.dispatchEvent(new Event('replace'));
    const { languages, models } = this.catalog;
    this.source.value = source;
    this.source.mark([]);
    this.tests.value = tests;
    Object.assign(this, { chosen, edited });
    this.setLanguage(languages.some(({ code }) => code === language) ? language : languages[0].code);
    if (models.includes(model)) $('model').value = model;
    $('description').value = description;
    this.changed();
  }

  changed() {
    this.count();
    this.keep();
    this.dispatchEvent(new Event('change'));
  }

  /** Writes the words of the page's language anew. */
  translate() {
    const groups = this.catalog.languages.map(({ code, name, placeholder }) => {
      const first = make('option', { value: `${code}:` }, /\b(?:def|function|int|double) (\w+)/.exec(placeholder)?.[1] ?? name);
      const more = EXAMPLES.filter(example => example.language === code);
      return make('optgroup', { label: name }, first, ...more.map(example => make('option', { value: `${code}:${example.name}` }, example.name)));
    });
    $('examples').replaceChildren(make('option', { value: '' }, say('example_choose')), ...groups);
    this.count();
  }

  fillChoices() {
    const { languages, models, default_model, limits } = this.catalog;
    $('language').replaceChildren(...languages.map(({ code, name }) => make('option', { value: code }, name)));
    $('model').replaceChildren(...models.map(name => make('option', { value: name, selected: name === default_model }, name)));
    $('description').maxLength = limits.description_max_chars;
  }

  wire() {
    const guess = debounced(150, () => {
      const language = this.chosen ? null : languageOfText(this.source.value);
      if (language !== null && language !== this.language) {
        this.setLanguage(language);
        this.changed();
      }
    });
    this.source.addEventListener('input', () => {
      this.source.mark([]);
      if (this.source.value.trim() === '') this.chosen = false;
      guess();
    });
    this.tests.addEventListener('input', () => {
      this.edited = true;
      this.tests.mark([]);
    });
    for (const editor of [this.source, this.tests]) editor.addEventListener('change', () => this.changed());
    for (const id of ['model', 'description']) $(id).addEventListener('input', () => this.changed());
    $('language').addEventListener('change', () => this.choose(this.language));
    $('examples').addEventListener('change', () => {
      const [language, name] = $('examples').value.split(/:(.*)/);
      $('examples').value = '';
      if (language === '') return;
      const example = EXAMPLES.find(one => one.language === language && one.name === name);
      this.open(example?.code ?? this.catalog.languages.find(({ code }) => code === language).placeholder, language);
    });
    addEventListener('pagehide', () => this.keepNow());
  }

  // As the server counts: characters, not units of UTF-16, after trimming.
  count() {
    const { input_code_max_chars: max, input_code_min_chars: min } = this.catalog.limits;
    const text = this.source.value.trim();
    this.length = text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
    const { length } = this;
    const count = number(length);
    $('source-count').textContent =
      length > max ? say('count_over', { count, max: number(max), over: number(length - max) })
      : length > 0 && length < min ? say('count_short', { count, min })
      : say('count', { count, max: number(max) });
    $('source-count').classList.toggle('over', length > max);
  }
}
