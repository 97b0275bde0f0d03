// Asking again where read models lag, and nothing says when they know.

/** Waits that become longer: most know it after the first, and who has asked that often has been told. */
export const LAGS_MS: readonly number[] = [1_500, 4_000, 10_000];

/** Where nobody waits for the answer, and what is not learnt stays unknown. */
export const LONG_LAGS_MS: readonly number[] = [...LAGS_MS, 30_000];

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
