// What happened beside messages.
import type { TidingsEvent } from '../../protocol/frames.ts';
import { caption } from '../events.ts';
import * as store from '../store.ts';

export function Happening({ event, state }: { event: TidingsEvent; state: store.Known }) {
  const text = caption(event, user => store.personName(state, user));
  return text === '' ? null : (
    <li class="happening quiet" data-seq={event.seq}>
      {text}
    </li>
  );
}
