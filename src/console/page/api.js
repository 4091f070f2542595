// Calls to the API of this server.

import { say } from './messages.js';
import { ConnectionLost, frames } from './sse.js';

/** Why a call came to nothing: a code to act on, and words for a person where the server sent some. */
export class Problem extends Error {
  /**
   * @param {string} code one of the API's, or OFFLINE, UNREACHABLE, CONNECTION_LOST, UNREADABLE
   * @param {{message?: string, status?: number, retryAfter?: number, detail?: object}} more
   */
  constructor(code, { message = '', status = 0, retryAfter = null, detail = {} } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    /** Seconds until it is worth coming back; null where nobody said. */
    this.retryAfter = retryAfter;
    this.detail = detail;
  }
}

/** Whatever was thrown while something was asked for, as a problem. */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  if (error instanceof ConnectionLost) return new Problem('CONNECTION_LOST');
  // A mistake of the page itself: for whoever looks for it.
  console.error(error);
  return new Problem('INTERNAL', { message: say('problem_INTERNAL', { reason: error.message }) });
}

export class Api {
  /**
   * @param {{token(): Promise<string|null>, renew(stale: string|null): Promise<boolean>, end(): void}} account
   * @param {() => string} locale
   */
  constructor(account, locale) {
    this.account = account;
    this.locale = locale;
  }

  /** The parsed body of an answer, and the answer. */
  async json(method, path, options = {}) {
    const response = await this.call(method, path, options);
    return { response, body: response.status === 204 ? null : await response.json() };
  }

  /** The frames of a stream. The first is awaited by whoever iterates; refusals are thrown before. */
  async stream(path, body, signal) {
    const response = await this.call('POST', path, { body, signal });
    return frames(response, signal);
  }

  /**
   * An answer that is no error. A session that ended meanwhile is renewed once; one that is refused
   * even then is over.
   */
  async call(method, path, { body, signal, keepalive = false } = {}) {
    for (let attempt = 1; ; attempt += 1) {
      const token = await this.account.token();
      const response = await send(method, path, {
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        keepalive,
        headers: {
          'Accept-Language': this.locale(),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        },
      });
      if (response.ok) return response;
      if (response.status === 401) {
        if (attempt === 1 && (await this.account.renew(token))) continue;
        this.account.end();
      }
      throw await problemOf(response);
    }
  }
}

async function send(method, path, options) {
  try {
    return await fetch(path, { method, ...options, cache: 'no-store', credentials: 'omit' });
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw new Problem(navigator.onLine ? 'UNREACHABLE' : 'OFFLINE');
  }
}

async function problemOf(response) {
  const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  const facts = { status: response.status, retryAfter: Number.isNaN(seconds) ? null : seconds };
  try {
    const { code, message, detail } = await response.json();
    if (typeof code === 'string') return new Problem(code, { ...facts, message, detail });
  } catch {
    // Not ours: something in between answered.
  }
  return new Problem('UNREADABLE', facts);
}
