// Server-sent events as they arrive from a POST, which EventSource can't make.

/** Silence after which the connection counts as lost. The server breaks its own every 15 s. */
const SILENCE_MS = 45_000;

/** The stream ended, or fell silent, before its last frame. */
export class ConnectionLost extends Error {}

/**
 * The frames of an answer. Comments are for keeping the connection alive and are left out.
 * @param {Response} response
 * @param {AbortSignal} signal ends the reading with its own reason
 * @returns {AsyncGenerator<{event: string, data: any}>}
 */
export async function* frames(response, signal) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let frame = { event: 'message', data: [] };
  try {
    for (;;) {
      const { done, value } = await readWithin(reader, SILENCE_MS, signal);
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop();
      for (const raw of lines) {
        const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
        if (line === '') {
          // Of what came in one piece nothing is told any more once nobody wants it.
          signal.throwIfAborted();
          if (frame.data.length > 0) yield { event: frame.event, data: JSON.parse(frame.data.join('\n')) };
          frame = { event: 'message', data: [] };
        } else if (line.startsWith('event:')) frame.event = line.slice(6).trim();
        else if (line.startsWith('data:')) frame.data.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
    }
  } finally {
    // Whoever stops listening closes the connection, which tells the server to stop.
    reader.cancel().catch(() => {});
  }
}

async function readWithin(reader, ms, signal) {
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new ConnectionLost()), ms);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof ConnectionLost ? error : new ConnectionLost();
  } finally {
    clearTimeout(timer);
  }
}
