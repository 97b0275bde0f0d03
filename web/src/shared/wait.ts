// How long a server may ask to be left alone.

const ASKED_MAX_MS = 60 * 60_000;

/** What the server asks for, an hour at most. A browser's timer does not wait for what is longer than some weeks: it is over at once. */
export const asked = (ms = 0): number => Math.min(ms, ASKED_MAX_MS);
