// How long to wait before coming back.
import { asked } from '../shared/wait.ts';

const BASE_MS = 500;
const CAP_MS = 30_000;

/**
 * Full jitter: anything from nothing to a bound that doubles with each try, so that clients do not return together.
 * `atLeastMs` is what the server asked for, of which an hour counts at most.
 */
export function backoff(tries: number, atLeastMs = 0, random: () => number = Math.random): number {
  const bound = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(tries, 16));
  return asked(atLeastMs) + Math.round(random() * bound);
}
