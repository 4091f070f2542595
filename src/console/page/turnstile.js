// Cloudflare's bot check. Its script is the one of another origin, loaded only where a site key is
// configured.

import { make } from './dom.js';

const SCRIPT = 'https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit';

/** How long a generation waits for the check before it says that it can't be made. */
const PATIENCE_MS = 30_000;

export class BotCheck {
  /**
   * @param {{site_key: string, action: string|null}|null} settings null: no check is asked for
   * @param {HTMLElement} place
   */
  constructor(settings, place) {
    this.settings = settings;
    this.place = place;
    this.script = null;
    this.widget = null;
    this.token = null;
    this.waiting = new Set();
    if (settings !== null) this.load();
  }

  /** A token that was not used yet; undefined where none is needed; null when none can be had. */
  async take(signal) {
    if (this.settings === null) return undefined;
    if (this.script === null) this.load();
    const token = this.token ?? (await this.next(signal));
    this.token = null;
    return token;
  }

  /** A token works once: after each use the widget makes another. */
  renew() {
    this.token = null;
    if (this.widget !== null) window.turnstile.reset(this.widget);
  }

  load() {
    this.script = make('script', { src: SCRIPT, async: true });
    this.script.addEventListener('load', () => this.render());
    this.script.addEventListener('error', () => {
      // The network, or a blocker: asked for again with the next generation.
      this.script.remove();
      this.script = null;
      this.give(null);
    });
    document.head.append(this.script);
  }

  render() {
    const { site_key: sitekey, action } = this.settings;
    this.widget = window.turnstile.render(this.place, {
      sitekey,
      ...(action === null ? {} : { action }),
      appearance: 'interaction-only',
      language: document.documentElement.lang,
      callback: token => this.give(token),
      'expired-callback': () => this.renew(),
      'error-callback': () => {
        this.give(null);
        return true;
      },
    });
  }

  /** Hands the token to who waits for it longest, or keeps it; that there is none is told to all. */
  give(token) {
    const [first] = this.waiting;
    if (token === null) for (const settle of this.waiting) settle(null);
    else if (first === undefined) this.token = token;
    else first(token);
  }

  next(signal) {
    return new Promise((resolve, reject) => {
      const settle = token => {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
        this.waiting.delete(settle);
        resolve(token);
      };
      const leave = () => {
        clearTimeout(timer);
        this.waiting.delete(settle);
        reject(signal.reason);
      };
      const timer = setTimeout(() => settle(null), PATIENCE_MS);
      signal.addEventListener('abort', leave, { once: true });
      this.waiting.add(settle);
    });
  }
}
