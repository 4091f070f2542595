// A text in colours and with line numbers, below a textarea that holds the same text. However long
// the text is and however fast it comes, no frame does more than a part of the work: what arrives is
// shown once a frame, colours follow in slices, and lines that are out of sight are not laid out.

import { make } from './dom.js';
import { PAINTED_MAX, START, paint } from './highlight.js';

/** Lines that are laid out together, or not at all while none of them is in sight (style.css). */
const BLOCK = 50;
/** Of a text that streams in, no frame shows more than this many characters. */
const FRAME_CHARS = 4_096;
/** Painting stops here and goes on in the next frame, so that no paste or stream holds up a key. */
const SLICE_MS = 6;
/** Lines looked at between two looks at the clock. */
const SLICE_LINES = 20;

export class Lines {
  /** @param {HTMLElement} layer empty, in an element that is as wide as the widest line */
  constructor(layer) {
    this.layer = layer;
    this.scroller = layer.closest('.editor');
    this.language = '';
    /** What is shown of each line: text, columns, element, the state before and after, and whether painted. */
    this.lines = [];
    this.widest = 0;
    /** What has arrived and is not shown yet. */
    this.pending = '';
    this.dirty = 0;
    this.frame = 0;
    this.show('');
  }

  /** Colours by another language's rules from now on. */
  speak(language) {
    if (language === this.language) return;
    this.language = language;
    for (const line of this.lines) line.painted = false;
    this.paintFrom(0);
  }

  /** Shows another text. The lines that stayed as they were, at the top and at the bottom, stay. */
  show(text) {
    this.pending = '';
    const next = text.split('\n');
    const old = this.lines;
    const most = Math.min(next.length, old.length);
    let top = 0;
    while (top < most && old[top].text === next[top]) top += 1;
    let bottom = 0;
    while (bottom < most - top && old[old.length - 1 - bottom].text === next[next.length - 1 - bottom]) bottom += 1;
    if (top === next.length && next.length === old.length) return;
    const fresh = next.slice(top, next.length - bottom).map(newLine);
    const gone = old.slice(top, old.length - bottom);
    this.place(fresh, old[old.length - bottom]?.element ?? null);
    for (const { element } of gone) remove(element);
    this.lines = [...old.slice(0, top), ...fresh, ...old.slice(old.length - bottom)];
    this.number();
    this.measure();
    this.paintFrom(top);
  }

  /** Adds to the end, before the next frame is shown. Costs the piece, not the text. */
  append(text) {
    this.pending += text;
    this.paintFrom(this.lines.length - 1);
  }

  /** Marks lines, counted from 1, with what is wrong there; marks set before are gone. */
  mark(problems) {
    for (const line of this.lines) {
      if (line.element.classList.contains('failing')) {
        line.element.classList.remove('failing');
        delete line.element.dataset.problem;
      }
    }
    for (const { line, message } of problems) {
      const element = this.lines[line - 1]?.element;
      if (element === undefined) continue;
      element.classList.add('failing');
      element.dataset.problem = element.dataset.problem ? `${element.dataset.problem} · ${message}` : message;
    }
    this.measure();
  }

  /** Where a line, counted from 1, begins and ends in the text. */
  rangeOf(line) {
    const start = this.lines.slice(0, line - 1).reduce((sum, { text }) => sum + text.length + 1, 0);
    return [start, start + (this.lines[line - 1]?.text.length ?? 0)];
  }

  /** Scrolls to a line, counted from 1. */
  reveal(line) {
    this.lines[line - 1]?.element.scrollIntoView({ block: 'center', inline: 'nearest' });
  }

  // ── Blocks ───────────────────────────────────────────────────────────────────────────────────

  // Puts lines before an element, or last; into the block there if it can take them.
  place(fresh, before) {
    const block = before?.parentNode ?? this.layer.lastElementChild;
    const elements = fresh.map(({ element }) => element);
    if (block !== null && block.childElementCount + elements.length <= 2 * BLOCK) {
      if (before === null) block.append(...elements);
      else before.before(...elements);
      return;
    }
    const after = before === null ? [] : [...block.children].slice([...block.children].indexOf(before));
    const all = [...elements, ...after];
    const blocks = [];
    for (let at = 0; at < all.length; at += BLOCK) blocks.push(make('span', { className: 'block' }, ...all.slice(at, at + BLOCK)));
    if (block === null) this.layer.append(...blocks);
    else block.after(...blocks);
    if (block?.childElementCount === 0) block.remove();
  }

  // A block is as high as its lines also while they are not laid out, and knows where to count from.
  number() {
    let start = 0;
    for (const block of this.layer.children) {
      const count = block.childElementCount;
      block.style.counterReset = `line ${start}`;
      block.style.setProperty('--lines', count);
      start += count;
    }
  }

  // Lines that are not laid out have no width, so the widest is known by its characters.
  measure(lines = this.lines) {
    const least = lines === this.lines ? 0 : this.widest;
    const widest = lines.reduce((most, { columns, element }) => Math.max(most, columns + columnsOf(element.dataset.problem ?? '')), least);
    if (widest === this.widest) return;
    this.widest = widest;
    this.layer.parentElement.style.setProperty('--columns', widest);
  }

  // ── Frames ───────────────────────────────────────────────────────────────────────────────────

  paintFrom(index) {
    this.dirty = Math.min(this.dirty, index);
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.work());
  }

  work() {
    this.frame = 0;
    if (this.pending !== '') this.showPending();
    this.paintSlice();
  }

  showPending() {
    const { scroller } = this;
    const follows = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
    const text = this.pending.slice(0, FRAME_CHARS);
    this.pending = this.pending.slice(FRAME_CHARS);
    const last = this.lines.at(-1);
    const [head, ...more] = text.split('\n');
    last.text += head;
    last.columns += columnsOf(head);
    last.painted = false;
    last.element.append(head);
    const fresh = more.map(newLine);
    this.lines.push(...fresh);
    this.place(fresh, null);
    this.number();
    this.measure([last, ...fresh]);
    if (follows) scroller.scrollTop = scroller.scrollHeight;
    if (this.pending !== '') this.paintFrom(this.lines.length - 1);
  }

  paintSlice() {
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
  return { text, columns: columnsOf(text), element: make('span', { className: 'line' }, text), painted: false, before: START, after: START };
}

function remove(element) {
  const block = element.parentNode;
  element.remove();
  if (block.childElementCount === 0) block.remove();
}

/** How wide a text is at most, in letters: those of East Asia are two wide, a tab is four. */
function columnsOf(text) {
  const wide = text.match(/[\u1100-\ud7ff\uf900-\uffff]/g)?.length ?? 0;
  return text.length + wide + 3 * (text.split('\t').length - 1);
}
