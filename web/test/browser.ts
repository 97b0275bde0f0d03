// As much of a browser as the page's code needs: storage, events, and answers over HTTP.
import { mock } from 'node:test';

type Answer = (
  path: string,
  body: Record<string, unknown>,
) => { status?: number; body: object; date?: number };

export interface Browser {
  stored: Map<string, string>;
  /** Every call over HTTP: the path, and what it asked. */
  calls: { path: string; body: Record<string, unknown> }[];
  /** Time passes, on both clocks. */
  pass(ms: number): Promise<void>;
  /** Somebody sets the wall clock. */
  setClock(ms: number): void;
  /** Calls those who listen to an event of the window. */
  dispatch(type: string, event?: object): void;
}

export const settle = async (): Promise<void> => {
  for (let i = 0; i < 30; i++) await Promise.resolve();
};

/** `blocked`: the browser denies the page all storage. */
export function browser(answer: Answer, { blocked = false } = {}): Browser {
  mock.restoreAll();
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const stored = new Map<string, string>();
  const listeners = new Map<string, Set<(event: unknown) => void>>();
  const calls: Browser['calls'] = [];
  let steady = 0;
  let wall = Date.UTC(2026, 0, 1);
  mock.method(performance, 'now', () => steady);
  mock.method(Date, 'now', () => wall);
  const localStorage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  };
  const define = (name: string, descriptor: PropertyDescriptor): void => {
    Object.defineProperty(globalThis, name, { configurable: true, ...descriptor });
  };
  define('localStorage', {
    get: () => {
      if (blocked) throw new Error('storage is blocked');
      return localStorage;
    },
  });
  define('navigator', { value: {} });
  define('location', { value: { origin: 'http://server' } });
  define('document', {
    value: {
      hidden: false,
      hasFocus: () => true,
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
    },
  });
  define('addEventListener', {
    value: (type: string, listener: (event: unknown) => void) => {
      listeners.set(type, (listeners.get(type) ?? new Set()).add(listener));
    },
  });
  define('removeEventListener', {
    value: (type: string, listener: (event: unknown) => void) => listeners.get(type)?.delete(listener),
  });
  define('fetch', {
    value: async (path: string, init: { body: string }) => {
      const asked = JSON.parse(init.body) as Record<string, unknown>;
      calls.push({ path, body: asked });
      const { status = 200, body, date = wall } = answer(path, asked);
      return new Response(JSON.stringify(body), { status, headers: { Date: new Date(date).toUTCString() } });
    },
  });
  return {
    stored,
    calls,
    async pass(ms) {
      for (let left = ms; left > 0; left -= 1_000) {
        const step = Math.min(1_000, left);
        steady += step;
        wall += step;
        mock.timers.tick(step);
        await settle();
      }
    },
    setClock: ms => void (wall = ms),
    dispatch: (type, event = {}) => listeners.get(type)?.forEach(listener => listener(event)),
  };
}
