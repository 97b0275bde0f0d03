// Something that is asked of the server: while it waits it cannot be asked for again, and why it failed is said at its place.
import { useEffect, useRef, useState } from 'preact/hooks';
import { sentence } from './hooks.ts';

export interface Doing {
  busy: boolean;
  /** Why the last one failed. */
  problem: string;
  /** Does it, unless something is under way. Answers whether it went well. */
  run(act: () => Promise<unknown>): Promise<boolean>;
}

/** `failed` begins what is said of a failure, such as `Not invited`. */
export function useDoing(failed: string): Doing {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const shown = useRef(true);
  /** The button stays where the focus is, and can be pressed: another time counts for nothing. */
  const running = useRef(false);
  useEffect(() => {
    shown.current = true;
    return () => void (shown.current = false);
  }, []);

  async function run(act: () => Promise<unknown>): Promise<boolean> {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setProblem('');
    try {
      await act();
      return true;
    } catch (error) {
      if (shown.current) setProblem(`${failed}: ${sentence(error)}`);
      return false;
    } finally {
      running.current = false;
      if (shown.current) setBusy(false);
    }
  }

  return { busy, problem, run };
}

/** Says what went wrong, to screen readers as well. */
export const ProblemLine = ({ of: { problem } }: { of: Pick<Doing, 'problem'> }) => (
  <p class="problem" role="alert">
    {problem}
  </p>
);
