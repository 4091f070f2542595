// The account as the person sees it: who they are, what they have, how to come in and go.

import { SignInFailed } from './account.js';
import { asProblem } from './api.js';
import { $, make } from './dom.js';
import { number, say } from './messages.js';
import { hush, tell } from './notices.js';

/** The status route is limited, and read after every generation: it is asked no more often than this. */
const STATUS_EVERY_MS = 8_000;

export class AccountDialog extends EventTarget {
  /**
   * Events: `change` when another person, or nobody, is there; `leave` before the page is left for
   * a provider; `problem` (detail: Problem).
   * @param {{account: import('./account.js').Account, api: import('./api.js').Api}} parts
   */
  constructor({ account, api }) {
    super();
    Object.assign(this, { account, api });
    this.status = null;
    this.asked = -Infinity;
    this.later = 0;
    /** What to do once somebody signed in. */
    this.after = null;
    this.wire();
    this.show();
    account.finishRedirect().catch(error => {
      this.open();
      this.say(reasonOf(error));
    });
    this.askStatus({ now: true });
  }

  /** Does it at once, or asks to sign in and does it then. */
  signedIn(act) {
    if (!this.account.mustSignIn) return act();
    tell('UNAUTHORIZED', say('problem_SIGN_IN'), { label: say('sign_in'), act: () => this.open(act) });
    return this.open(act);
  }

  /** Opens the dialog. `after` is done once somebody signed in, unless it is closed before. */
  async open(after = null) {
    this.show();
    if (!$('account').open) $('account').showModal();
    this.after = after;
    if (!this.account.mustSignIn) return this.askStatus();
    try {
      const { email, providers } = await this.account.ways();
      $('sign-in-email').hidden = !email;
      $('providers').replaceChildren(...providers.map(name => this.providerButton(name)));
    } catch (error) {
      this.say(reasonOf(error));
    }
  }

  /** Reads wallet and quota anew, now or soon. That it can't is no reason to disturb anybody. */
  async askStatus({ now = false } = {}) {
    clearTimeout(this.later);
    if (this.account.mustSignIn) return;
    const wait = now ? 0 : this.asked + STATUS_EVERY_MS - performance.now();
    if (wait > 0) {
      this.later = setTimeout(() => this.askStatus(), wait);
      return;
    }
    this.asked = performance.now();
    try {
      this.status = (await this.api.json('GET', '/api/user/status')).body;
    } catch (error) {
      if (error.code === 'UNAUTHORIZED') this.dispatchEvent(new CustomEvent('problem', { detail: error }));
    }
    this.show();
  }

  show() {
    const { supabase, mustSignIn, name } = this.account;
    $('who').hidden = mustSignIn;
    $('who').textContent = supabase === null ? say('signed_in_locally') : say('signed_in_as', { name });
    $('sign-out').hidden = supabase === null || mustSignIn;
    $('sign-in-options').hidden = !mustSignIn;
    $('account-open').textContent = mustSignIn ? say('sign_in') : say('account');
    const info = mustSignIn ? undefined : this.status?.token_info;
    $('balance').hidden = info === undefined || info.cost_per_generation === 0;
    $('wallet').hidden = info === undefined;
    if (info === undefined) return;
    const { limit, remaining } = this.status.quota;
    const [tokens, cost] = [number(info.current_tokens), number(info.cost_per_generation)];
    $('balance').textContent = say('balance', { tokens });
    const price = info.cost_per_generation === 0 ? say('balance_free') : say('balance_cost', { tokens, cost });
    $('wallet').textContent = `${price} ${say('quota', { limit: number(limit), remaining: number(remaining) })}`;
  }

  wire() {
    const { account } = this;
    account.addEventListener('change', () => this.changed());
    account.addEventListener('ended', () => this.changed());
    $('account-open').addEventListener('click', () => this.open());
    $('sign-out').addEventListener('click', () => account.signOut());
    $('account').addEventListener('close', () => {
      this.after = null;
      $('password').value = '';
      this.say('');
    });
    $('sign-in-email').addEventListener('submit', event => {
      event.preventDefault();
      this.attempt(({ email, password }) => account.signIn(email, password));
    });
    $('sign-up').addEventListener('click', () =>
      this.attempt(async ({ email, password }) => {
        if (!(await account.signUp(email, password))) this.say(say('check_mail'));
      }));
    $('magic-link').addEventListener('click', () =>
      this.attempt(async ({ email }) => {
        await account.sendLink(email);
        this.say(say('check_mail'));
      }, { needsPassword: false }));
  }

  // What belongs to one person is not shown to the next.
  changed() {
    this.status = null;
    this.dispatchEvent(new Event('change'));
    this.show();
    if (this.account.mustSignIn) return;
    const { after } = this;
    if ($('account').open) $('account').close();
    hush('UNAUTHORIZED');
    this.askStatus({ now: true });
    after?.();
  }

  async attempt(way, { needsPassword = true } = {}) {
    const [email, password] = [$('email').value.trim(), $('password').value];
    if (email === '' || !$('email').checkValidity()) return this.say(say('email_needed'), $('email'));
    if (needsPassword && password.length < 6) return this.say(say('password_needed'), $('password'));
    this.say(say('signing_in'));
    try {
      await way({ email, password });
    } catch (error) {
      this.say(reasonOf(error));
    }
  }

  say(text, field = null) {
    $('account-state').textContent = text;
    field?.focus();
  }

  providerButton(name) {
    const leave = () => {
      this.dispatchEvent(new Event('leave'));
      this.account.leaveFor(name).catch(error => this.say(reasonOf(error)));
    };
    const shown = name.charAt(0).toUpperCase() + name.slice(1);
    return make('button', { type: 'button', className: 'provider', dataset: { provider: name }, onclick: leave }, say('sign_in_with', { name: shown }));
  }
}

function reasonOf(error) {
  if (error instanceof SignInFailed) return say('sign_in_failed', { reason: error.message });
  const { code, message, status } = asProblem(error);
  return message || say(`problem_${code}`, { status });
}
