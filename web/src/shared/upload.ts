// Storing a file on the server, with how far it is. `fetch` cannot tell that of what it sends.
import { passes, Problem } from './api.ts';
import { asked } from './wait.ts';

/** What the server says of a file that it has stored. */
export interface Stored {
  id: string;
  name: string;
  type: string;
  size: number;
}

/** Whoever sees nothing move for so long tries again. */
const STALLED_MS = 60_000;
/** After so many failures in a row it is given up; what passes is tried again after the first of these, and twice as late each time. */
const TRIES_MAX = 6;
const RETRY_MS = 1_000;

interface Options {
  token(refused: boolean): Promise<string>;
  /** How much of it has gone out, from 0 to 1. */
  onProgress(part: number): void;
  signal: AbortSignal;
}

/** Stores a file. Fails with a `Problem`, or with the signal's reason. */
export async function upload(file: Blob, name: string, options: Options): Promise<Stored> {
  const { token, signal } = options;
  for (let tries = 1, refused = false; ; tries++) {
    try {
      return await once(file, name, await token(refused), options);
    } catch (error) {
      signal.throwIfAborted();
      const code = error instanceof Problem ? error.code : 'unavailable';
      const another = code === 'unauthenticated' && !refused;
      if (tries >= TRIES_MAX || !(passes(code) || another)) throw error;
      refused = code === 'unauthenticated';
      const wait = error instanceof Problem ? asked(error.retryAfterMs) : 0;
      if (passes(code)) await pause(Math.max(wait, RETRY_MS * 2 ** (tries - 1)), signal);
    }
  }
}

function once(file: Blob, name: string, token: string, { onProgress, signal }: Options): Promise<Stored> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stalled: ReturnType<typeof setTimeout> | undefined;
    const give = (): void => request.abort();
    const moves = (): void => {
      clearTimeout(stalled);
      stalled = setTimeout(give, STALLED_MS);
    };
    const end = (): void => {
      clearTimeout(stalled);
      signal.removeEventListener('abort', give);
    };
    request.upload.onprogress = event => {
      moves();
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    };
    request.onload = () => {
      end();
      if (request.status === 201) resolve(request.response as Stored);
      else reject(problem(request));
    };
    request.onerror = request.onabort = () => {
      end();
      reject(new Problem('unavailable', 'The server cannot be reached.'));
    };
    request.open('POST', `/attachments?name=${encodeURIComponent(name)}`);
    request.responseType = 'json';
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    if (file.type !== '') request.setRequestHeader('Content-Type', file.type);
    signal.addEventListener('abort', give);
    onProgress(0);
    moves();
    request.send(file);
  });
}

function problem(request: XMLHttpRequest): Problem {
  const answer = (request.response ?? {}) as {
    code?: string;
    detail?: string;
    title?: string;
    retry_after_ms?: number;
  };
  const message = answer.detail ?? answer.title ?? `The server answered ${request.status}.`;
  return new Problem(answer.code ?? 'unavailable', message, undefined, answer.retry_after_ms);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
