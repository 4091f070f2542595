// What the page has to say beside the work: problems, with what to do about them, and the way back
// from what was just done.

import { $ } from './dom.js';
import { say } from './messages.js';

/** How long the way back stays open, in milliseconds. */
const UNDO_MS = 6_000;

let countdown = 0;
let pending = null;

/**
 * Tells of a problem until it is closed, solved or another takes its place.
 * @param {string} code what tests and styles know it by
 * @param {string} text
 * @param {{label: string, act: () => void, after?: number}|null} action `after`: seconds until it can be used
 */
export function tell(code, text, action = null) {
  clearInterval(countdown);
  const button = $('notice-action');
  $('notice').dataset.code = code;
  $('notice-text').textContent = text;
  button.hidden = action === null;
  button.disabled = false;
  if (action !== null) {
    button.textContent = action.label;
    button.onclick = () => {
      hush();
      action.act();
    };
    if (action.after > 0) countDown(button, action);
  }
  $('notice').hidden = false;
}

/** Takes the notice away; of one code only, when one is named. */
export function hush(code = null) {
  if (code !== null && $('notice').dataset.code !== code) return;
  clearInterval(countdown);
  $('notice').hidden = true;
  $('notice-text').textContent = '';
  delete $('notice').dataset.code;
}

function countDown(button, action) {
  const end = performance.now() + action.after * 1_000;
  const show = () => {
    const left = Math.ceil((end - performance.now()) / 1_000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? say('retry_in', { seconds: left }) : action.label;
    if (left <= 0) clearInterval(countdown);
  };
  show();
  countdown = setInterval(show, 500);
}

/**
 * Says what was done and offers the way back for a while.
 * @param {string} text
 * @param {() => void} back takes it back
 * @param {() => void} settle makes it last, once nobody took it back
 */
export function offerUndo(text, back, settle = () => {}) {
  settleNow();
  const button = $('undo-button');
  pending = { settle, timer: 0 };
  $('undo-text').textContent = text;
  $('undo').hidden = false;
  // A toast under an open dialog could be neither seen nor reached.
  (document.querySelector('dialog[open]') ?? document.body).append($('undo'));
  button.onclick = () => {
    close();
    back();
  };
  const wait = () => {
    pending.timer = setTimeout(() => {
      // Whoever is on the button with the keyboard is not robbed of it.
      if (document.activeElement === button) wait();
      else settleNow();
    }, UNDO_MS);
  };
  wait();
}

/** Makes what was done last at once: something else follows, or the page is left. */
export function settleNow() {
  const settle = pending?.settle;
  close();
  settle?.();
}

function close() {
  clearTimeout(pending?.timer);
  pending = null;
  $('undo').hidden = true;
}

export function setUpNotices() {
  $('notice-close').addEventListener('click', () => hush());
  addEventListener('pagehide', settleNow);
}
