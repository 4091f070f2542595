// A code editor that is a plain textarea: typing, selecting, undo, spell-out by screen readers and
// touch keyboards are the browser's. Its text is transparent; a layer below shows the same text in
// colours and with line numbers, and is hidden from assistive technology.

import { make } from './dom.js';
import { PAINTED_MAX, START, paint } from './highlight.js';

/** Painting stops here and goes on in the next frame, so that no paste or stream holds up a key. */
const SLICE_MS = 6;
/** Lines looked at between two looks at the clock. */
const SLICE_LINES = 20;

export class Editor extends EventTarget {
  /**
   * Events: `input` when the person changed the text, `change` when the text changed at all.
   * @param {HTMLTextAreaElement} textarea
   * @param {HTMLElement} layer
   */
  constructor(textarea, layer) {
    super();
    this.textarea = textarea;
    this.layer = layer;
    this.scroller = textarea.closest('.editor');
    this.language = '';
    /** Lines as they are shown: text, element, the state before and after, and whether painted. */
    this.lines = [];
    this.streamed = null;
    this.dirty = 0;
    this.frame = 0;
    this.leaving = false;
    textarea.addEventListener('input', () => {
      this.show(textarea.value);
      this.dispatchEvent(new Event('input'));
      this.dispatchEvent(new Event('change'));
    });
    textarea.addEventListener('keydown', event => this.key(event));
    textarea.addEventListener('blur', () => {
      this.leaving = false;
    });
    this.show(textarea.value);
  }

  get value() {
    return this.streamed ?? this.textarea.value;
  }

  /** Replaces the text from outside. The textarea's own undo does not survive that: offer another. */
  set value(text) {
    const wasStreaming = this.streamed !== null;
    this.streamed = null;
    this.textarea.readOnly = false;
    this.textarea.value = text;
    this.show(this.textarea.value);
    if (!wasStreaming) this.scroller.scrollTo(0, 0);
    this.dispatchEvent(new Event('change'));
  }

  /** Colours by another language's rules from now on. */
  speak(language) {
    if (language === this.language) return;
    this.language = language;
    for (const line of this.lines) line.painted = false;
    this.paintFrom(0);
  }

  /** Empties the editor for text that comes in pieces; read-only until {@link endStream}. */
  beginStream() {
    this.value = '';
    this.streamed = '';
    this.textarea.readOnly = true;
  }

  /** Adds a piece. Costs the piece, not the text: the textarea gets everything at the end. */
  append(text) {
    const follows = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 40;
    this.streamed += text;
    const last = this.lines.at(-1);
    const [head, ...more] = text.split('\n');
    last.text += head;
    last.painted = false;
    last.element.append(head);
    const fresh = more.map(newLine);
    this.lines.push(...fresh);
    this.layer.append(...fresh.map(line => line.element));
    this.paintFrom(this.lines.length - 1 - fresh.length);
    if (follows) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  endStream() {
    if (this.streamed !== null) this.value = this.streamed;
  }

  /** Marks lines, counted from 1, with what is wrong there; marks set before are gone. */
  mark(problems) {
    for (const { element } of this.lines) {
      if (element.classList.contains('failing')) {
        element.classList.remove('failing');
        delete element.dataset.problem;
      }
    }
    for (const { line, message } of problems) {
      const element = this.lines[line - 1]?.element;
      if (element === undefined) continue;
      element.classList.add('failing');
      element.dataset.problem = element.dataset.problem ? `${element.dataset.problem} · ${message}` : message;
    }
  }

  /** Puts the cursor on a line, counted from 1, and shows it. */
  goTo(line) {
    const start = this.lines.slice(0, line - 1).reduce((sum, { text }) => sum + text.length + 1, 0);
    const end = start + (this.lines[line - 1]?.text.length ?? 0);
    this.textarea.focus();
    this.textarea.setSelectionRange(start, end);
    this.lines[line - 1]?.element.scrollIntoView({ block: 'center', inline: 'nearest' });
  }

  // Tab indents; Escape and then Tab leaves, so that nobody is trapped.
  key(event) {
    if (event.isComposing) return;
    if (event.key === 'Escape') {
      this.leaving = true;
      return;
    }
    if (event.key === 'Shift') return;
    const leaving = this.leaving;
    this.leaving = false;
    if (event.key !== 'Tab' || leaving || this.textarea.readOnly || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const unit = this.language === 'python' || this.language === 'java' ? '    ' : '  ';
    const { selectionStart: start, selectionEnd: end, value } = this.textarea;
    if (!event.shiftKey && !value.slice(start, end).includes('\n')) {
      const column = start - (value.lastIndexOf('\n', start - 1) + 1);
      this.type(unit.slice(column % unit.length));
      return;
    }
    // Whole lines: indented or, with Shift, moved back by up to one unit.
    const from = value.lastIndexOf('\n', start - 1) + 1;
    const to = end > start && value[end - 1] === '\n' ? end - 1 : end;
    const stop = value.indexOf('\n', to) === -1 ? value.length : value.indexOf('\n', to);
    const block = value.slice(from, stop);
    const lead = new RegExp(`^(?:\\t| {1,${unit.length}})`, 'gm');
    const moved = event.shiftKey ? block.replace(lead, '') : block.replace(/^(?=.)/gm, unit);
    if (moved === block) return;
    this.textarea.setSelectionRange(from, stop);
    this.type(moved);
    this.textarea.setSelectionRange(start === end ? from + moved.length : from, from + moved.length);
  }

  /**
   * Types for the person. `execCommand` is out of fashion and the only way that leaves the
   * textarea's undo intact.
   */
  type(text) {
    const done = text === '' ? document.execCommand('delete') : document.execCommand('insertText', false, text);
    if (done) return;
    this.textarea.setRangeText(text, this.textarea.selectionStart, this.textarea.selectionEnd, 'end');
    this.textarea.dispatchEvent(new Event('input'));
  }

  // Keeps the lines that stayed as they were, at the top and at the bottom.
  show(text) {
    const next = text.split('\n');
    const old = this.lines;
    const most = Math.min(next.length, old.length);
    let top = 0;
    while (top < most && old[top].text === next[top]) top += 1;
    let bottom = 0;
    while (bottom < most - top && old[old.length - 1 - bottom].text === next[next.length - 1 - bottom]) bottom += 1;
    if (top === next.length && next.length === old.length) return;
    const fresh = next.slice(top, next.length - bottom).map(newLine);
    const after = old[old.length - bottom]?.element ?? null;
    for (const { element } of old.slice(top, old.length - bottom)) element.remove();
    const batch = document.createDocumentFragment();
    batch.append(...fresh.map(line => line.element));
    this.layer.insertBefore(batch, after);
    this.lines = [...old.slice(0, top), ...fresh, ...old.slice(old.length - bottom)];
    this.paintFrom(top);
  }

  paintFrom(index) {
    this.dirty = Math.min(this.dirty, index);
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.paintSlice());
  }

  paintSlice() {
    this.frame = 0;
    const end = performance.now() + SLICE_MS;
    let index = this.dirty;
    for (; index < this.lines.length; index += 1) {
      if (index % SLICE_LINES === 0 && performance.now() > end) break;
      const line = this.lines[index];
      const before = index === 0 ? START : this.lines[index - 1].after;
      if (line.painted && line.before === before) continue;
      if (line.text.length > PAINTED_MAX) {
        Object.assign(line, { painted: true, before, after: before });
        continue;
      }
      const { tokens, state } = paint(line.text, before, this.language);
      line.element.replaceChildren(...tokens.map(([kind, text]) => (kind === '' ? text : make('span', { className: kind }, text))));
      Object.assign(line, { painted: true, before, after: state });
    }
    this.dirty = index < this.lines.length ? index : Infinity;
    if (this.dirty !== Infinity) this.paintFrom(this.dirty);
  }
}

function newLine(text) {
  return { text, element: make('span', { className: 'line' }, text), painted: false, before: START, after: START };
}
