// Who the person is: the local user in `dev`; in `serve` a session of Supabase Auth, by e-mail or
// OAuth with PKCE, shared by the tabs of this browser and renewed before it ends.

import { Problem } from './api.js';
import { browserShelf } from './dom.js';

const SESSION = 'session';
const VERIFIER = 'pkce';

/** A session is renewed this long before it ends, so that no call is sent with the last of it. */
const MARGIN_MS = 60_000;

/** Why signing in failed, in the words of the auth server. */
export class SignInFailed extends Error {}

export class Account extends EventTarget {
  /**
   * Events: `change` when somebody signed in or out, here or in another tab; `ended` when a session
   * can't be renewed any more.
   * @param {{url: string, anon_key: string}|null} supabase null where everybody is the local user
   */
  constructor(supabase) {
    super();
    this.supabase = supabase;
    this.session = supabase === null ? null : browserShelf.read(SESSION);
    addEventListener('storage', event => {
      if (event.key !== `tester.${SESSION}` && event.key !== null) return;
      const was = this.session;
      this.session = supabase === null ? null : browserShelf.read(SESSION);
      if (was?.user?.id !== this.session?.user?.id) this.dispatchEvent(new Event('change'));
    });
  }

  /** Whether nothing can be asked for before signing in. */
  get mustSignIn() {
    return this.supabase !== null && this.session === null;
  }

  /** What the person is called; null for nobody, and for the local user. */
  get name() {
    return this.session === null ? null : this.session.user?.email || this.session.user?.id || '?';
  }

  /** The access token to send, fresh; null where there is none. */
  async token() {
    if (this.session !== null && Date.now() > this.session.ends - MARGIN_MS) await this.renew(this.session.access_token);
    return this.session?.access_token ?? null;
  }

  /**
   * Trades the refresh token for a new session, in one tab only: it can be used once.
   * @param {string|null} stale the access token that is no longer good
   * @returns whether there is a token worth trying now
   */
  async renew(stale) {
    if (this.session === null) return false;
    return alone('tester.session', async () => {
      this.session = browserShelf.read(SESSION) ?? this.session;
      if (this.session.access_token !== stale) return true;
      try {
        this.keep(await this.ask('token?grant_type=refresh_token', { refresh_token: this.session.refresh_token }));
        return true;
      } catch (error) {
        // The network's fault is no reason to sign anybody out.
        if (!(error instanceof SignInFailed)) throw error;
        this.end();
        return false;
      }
    });
  }

  /** Gives up a session that is of no use any more. */
  end() {
    if (this.session === null) return;
    this.forget();
    this.dispatchEvent(new Event('ended'));
  }

  /** The OAuth providers of the project, and whether e-mail is one of the ways. */
  async ways() {
    const { external = {} } = await this.ask('settings');
    const { email = true, phone: _phone, anonymous_users: _anonymous, ...providers } = external;
    return { email, providers: Object.keys(providers).filter(name => providers[name] === true) };
  }

  async signIn(email, password) {
    this.keep(await this.ask('token?grant_type=password', { email, password }));
  }

  /** Makes an account. Returns whether it is signed in at once; else a mail was sent. */
  async signUp(email, password) {
    const answer = await this.ask(`signup?${this.returning()}`, { email, password, ...(await this.challenge()) });
    if (answer.access_token === undefined) return false;
    this.keep(answer);
    return true;
  }

  /** Has a link sent that signs in this browser. */
  async sendLink(email) {
    await this.ask(`otp?${this.returning()}`, { email, create_user: true, ...(await this.challenge()) });
  }

  /** Leaves for the provider; comes back to {@link finishRedirect}. */
  async leaveFor(provider) {
    const { code_challenge, code_challenge_method } = await this.challenge();
    const query = new URLSearchParams({ provider, code_challenge, code_challenge_method });
    location.assign(`${this.supabase.url}/auth/v1/authorize?${query}&${this.returning()}`);
  }

  /** Takes what a provider or a mailed link came back with, and out of the address bar. */
  async finishRedirect() {
    const query = new URLSearchParams(location.search);
    const hash = new URLSearchParams(location.hash.slice(1));
    const error = query.get('error_description') ?? hash.get('error_description') ?? query.get('error');
    const code = query.get('code');
    if (this.supabase === null || (error === null && code === null)) return;
    history.replaceState(null, '', location.pathname);
    if (error !== null) throw new SignInFailed(error);
    const code_verifier = browserShelf.read(VERIFIER);
    // Without the secret of this browser the code is of no use, and was not asked for here.
    if (code_verifier === null) return;
    browserShelf.write(VERIFIER, null);
    this.keep(await this.ask('token?grant_type=pkce', { auth_code: code, code_verifier }));
  }

  async signOut() {
    const token = this.session?.access_token;
    this.forget();
    this.dispatchEvent(new Event('change'));
    // This browser is signed out whatever the server says to that.
    await this.ask('logout?scope=local', {}, token).catch(() => {});
  }

  keep(answer) {
    const { access_token, refresh_token, expires_in, user } = answer;
    // By this machine's clock, which may differ from the server's.
    const ends = Date.now() + (expires_in ?? 3600) * 1_000;
    const was = this.session;
    this.session = { access_token, refresh_token, ends, user: { id: user?.id, email: user?.email } };
    browserShelf.write(SESSION, this.session);
    if (was?.user?.id !== this.session.user.id) this.dispatchEvent(new Event('change'));
  }

  forget() {
    this.session = null;
    browserShelf.write(SESSION, null);
  }

  async challenge() {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    const verifier = base64url(bytes);
    browserShelf.write(VERIFIER, verifier);
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
    return { code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: 's256' };
  }

  returning() {
    return new URLSearchParams({ redirect_to: `${location.origin}/` });
  }

  async ask(path, body, token) {
    const headers = { apikey: this.supabase.anon_key };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (token !== undefined) headers.Authorization = `Bearer ${token}`;
    let response;
    try {
      response = await fetch(`${this.supabase.url}/auth/v1/${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: 'omit',
      });
    } catch {
      throw new Problem(navigator.onLine ? 'UNREACHABLE' : 'OFFLINE');
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    if (response.status >= 500 || response.status === 429) throw new Problem('UNREADABLE', { status: response.status });
    throw new SignInFailed(answer.msg ?? answer.error_description ?? answer.message ?? `${response.status}`);
  }
}

/** Runs one at a time over all tabs, where the browser can do that. */
const alone = (name, run) => (navigator.locks === undefined ? run() : navigator.locks.request(name, run));

const base64url = bytes => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
