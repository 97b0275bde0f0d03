// What the parts of a chat know of the whole.
import type { Socket } from '../protocol/socket.ts';
import type { Ask } from './queries.ts';
import type { State } from './store.ts';

export interface Core {
  readonly state: State;
  readonly socket: Socket;
  readonly ask: Ask;
  readonly closed: boolean;
  update(next: (state: State) => State): void;
  /** Does whatever the present state calls for. */
  lookAfter(): void;
}
