// Asking again where read models lag, and nothing says when they know.

/** Waits that become longer, three quarters of a minute in all: most know it after the first, and who has asked that often has been told. */
export const LAGS_MS: readonly number[] = [1_500, 4_000, 10_000, 30_000];
/** So long read models may lag. */
export const PATIENCE_MS = LAGS_MS.reduce((sum, lag) => sum + lag);
/** What has had no answer at all is asked for again after this. */
const AGAIN_MS = 5_000;
/** So often it is looked whether somebody still waits. */
const LOOK_MS = 500;

/** Waits for so long, or until it is over. */
export const pause = (ms: number, isOver?: () => boolean): Promise<void> =>
  new Promise(resolve => {
    const end = (): void => {
      clearTimeout(timer);
      clearInterval(look);
      resolve();
    };
    const timer = setTimeout(end, ms);
    const look = isOver && setInterval(() => isOver() && end(), LOOK_MS);
  });

/** What is asked for, until it is had or the read models have had time: `null` is asked for again. Nobody needs it any more when it is over. */
export const again = async <T>(ask: () => Promise<T | null>, isOver: () => boolean): Promise<T | null> =>
  (await ask()) ?? later(ask, isOver);

/** The same, where what there is now is known. */
export async function later<T>(ask: () => Promise<T | null>, isOver: () => boolean): Promise<T | null> {
  for (const lag of LAGS_MS) {
    if (!isOver()) await pause(lag, isOver);
    if (isOver()) return null;
    const found = await ask();
    if (found !== null) return found;
  }
  return null;
}

/** Takes in what there is, until there is an answer, and some times more: none says whether the read models know already. */
export async function keepAsking<T>(
  ask: () => Promise<T>,
  take: (found: T) => void,
  isOver: () => boolean,
): Promise<void> {
  const look = async (): Promise<boolean> => {
    const found = await ask().then(
      answer => ({ answer }),
      () => null,
    );
    if (found && !isOver()) take(found.answer);
    return found !== null;
  };
  while (!isOver() && !(await look())) await pause(AGAIN_MS, isOver);
  await later(async () => {
    await look();
    return null;
  }, isOver);
}
