// What the parts of a chat know of the whole.
import type { Socket } from '../protocol/socket.ts';
import type { Ask } from './queries.ts';
import type { State } from './store.ts';

export interface Core {
  readonly state: State;
  readonly socket: Socket;
  readonly ask: Ask;
  readonly closed: boolean;
  /** What time it is by the server's clock, in milliseconds, as far as that is known. */
  now(): number;
  update(next: (state: State) => State): void;
  /** Does whatever the present state calls for. */
  lookAfter(): void;
}
