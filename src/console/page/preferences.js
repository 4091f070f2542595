// How the page looks and speaks, and its dialogs and keys, which are the same for everybody.

import { $, make } from './dom.js';
import { locale, say } from './messages.js';

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** What the keys for generating are called on this machine. */
export const GENERATE_KEYS = IS_MAC ? '⌘⏎' : 'Ctrl+Enter';

/** @param {() => void} translate called when the page is to speak another language */
export function setUpPreferences(translate) {
  $('locale').value = locale();
  $('locale').addEventListener('change', () => {
    document.documentElement.lang = $('locale').value;
    store('locale', $('locale').value);
    translate();
  });
  $('theme').value = document.documentElement.dataset.theme ?? 'auto';
  $('theme').addEventListener('change', () => {
    const { value } = $('theme');
    if (value === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    store('theme', value);
  });
}

/** Plain text, for early.js reads it before there is anything to parse with. */
function store(name, value) {
  try {
    localStorage.setItem(`tester.${name}`, value);
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
}

export function setUpDialogs() {
  for (const dialog of document.querySelectorAll('dialog')) {
    dialog.querySelector('.close').addEventListener('click', () => dialog.close());
    // A click on the backdrop is one on the dialog itself.
    dialog.addEventListener('click', event => event.target === dialog && dialog.close());
  }
  $('help-open').addEventListener('click', () => $('help').showModal());
}

export function showShortcuts() {
  const command = IS_MAC ? '⌘' : 'Ctrl';
  const keys = {
    generate: `${command} + Enter`,
    run: `${command} + Shift + Enter`,
    stop: `${command} + .`,
    indent: 'Tab, Shift + Tab',
    leave: 'Escape, Tab',
    help: 'F1',
  };
  const rows = Object.entries(keys).flatMap(([name, combination]) => [make('dt', {}, make('kbd', {}, combination)), make('dd', {}, say(`key_${name}`))]);
  $('shortcuts').replaceChildren(...rows);
}

/** @param {{generate: () => void, run: () => void, stop: () => void}} acts */
export function setUpKeys({ generate, run, stop }) {
  addEventListener('keydown', event => {
    const covered = document.querySelector('dialog[open]') !== null;
    const command = (event.ctrlKey || event.metaKey) && !event.altKey && !event.isComposing;
    if (event.key === 'F1') {
      event.preventDefault();
      if (!covered) $('help').showModal();
    } else if (command && !covered && event.key === 'Enter') {
      event.preventDefault();
      if (event.shiftKey) run();
      else generate();
    } else if (command && !covered && event.key === '.') {
      event.preventDefault();
      stop();
    }
  });
}
