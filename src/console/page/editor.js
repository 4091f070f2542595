// A code editor that is a plain textarea: typing, selecting, undo, spell-out by screen readers and
// touch keyboards are the browser's. Its text is transparent; a layer below shows the same text in
// colours and with line numbers, and is hidden from assistive technology.

import { Lines } from './lines.js';

export class Editor extends EventTarget {
  /**
   * Events: `input` when the person changed the text, `change` when the text changed at all.
   * @param {HTMLTextAreaElement} textarea
   * @param {HTMLElement} layer
   */
  constructor(textarea, layer) {
    super();
    this.textarea = textarea;
    this.lines = new Lines(layer);
    this.scroller = textarea.closest('.editor');
    this.language = '';
    this.streamed = null;
    this.leaving = false;
    textarea.addEventListener('input', () => {
      this.lines.show(textarea.value);
      this.dispatchEvent(new Event('input'));
      this.dispatchEvent(new Event('change'));
    });
    textarea.addEventListener('keydown', event => this.key(event));
    textarea.addEventListener('blur', () => {
      this.leaving = false;
    });
    this.lines.show(textarea.value);
  }

  get value() {
    return this.streamed ?? this.textarea.value;
  }

  /** Replaces the text from outside. The textarea's own undo does not survive that: offer another. */
  set value(text) {
    this.streamed = null;
    this.textarea.readOnly = false;
    this.textarea.value = text;
    this.lines.show(this.textarea.value);
    this.scroller.scrollTo(0, 0);
    this.dispatchEvent(new Event('change'));
  }

  /** Colours and indents by another language's rules from now on. */
  speak(language) {
    this.language = language;
    this.lines.speak(language);
  }

  /** Empties the editor for text that comes in pieces; read-only until {@link endStream}. */
  beginStream() {
    this.value = '';
    this.streamed = '';
    this.textarea.readOnly = true;
  }

  /** Adds a piece. Costs the piece, not the text: the textarea gets everything at the end. */
  append(text) {
    this.streamed += text;
    this.lines.append(text);
  }

  /** What is still to be shown of the stream is shown in the frames that follow. */
  endStream() {
    const text = this.streamed;
    if (text === null) return;
    this.streamed = null;
    this.textarea.readOnly = false;
    this.textarea.value = text;
    // A textarea has its own mind about line ends.
    if (this.textarea.value !== text) this.lines.show(this.textarea.value);
    this.dispatchEvent(new Event('change'));
  }

  /** Marks lines, counted from 1, with what is wrong there; marks set before are gone. */
  mark(problems) {
    this.lines.mark(problems);
  }

  /** Puts the cursor on a line, counted from 1, and shows it. */
  goTo(line) {
    this.textarea.focus();
    this.textarea.setSelectionRange(...this.lines.rangeOf(line));
    this.lines.reveal(line);
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
}
