// What this person changes about messages: shown at once, and told to the server.
import type { CommandBody, Content } from '../protocol/frames.ts';
import type { Refusal } from '../protocol/socket.ts';
import { uuidv7 } from '../shared/ids.ts';
import { pending, type Change } from './change.ts';
import type { Core } from './core.ts';
import * as store from './store.ts';

export class Changes {
  constructor(private readonly core: Core) {}

  edit(conversation: string, message: string, content: Content): void {
    const body = { type: 'message.edit', conversation, message, content } as const;
    this.ask(conversation, { id: uuidv7(), message, kind: 'edit', content }, body);
  }

  recall(conversation: string, message: string): void {
    const body = { type: 'message.recall', conversation, message } as const;
    this.ask(conversation, { id: uuidv7(), message, kind: 'recall' }, body);
  }

  react(conversation: string, message: string, emoji: string, on: boolean): void {
    const body = { type: 'message.react', conversation, message, emoji, on } as const;
    this.ask(conversation, { id: uuidv7(), message, kind: 'react', emoji, on }, body);
  }

  pin(conversation: string, message: string, on: boolean): void {
    const body = { type: 'message.pin', conversation, message, on } as const;
    this.ask(conversation, { id: uuidv7(), message, kind: 'pin', on }, body);
  }

  /** Forgets one that failed. */
  forget(conversation: string, change: string): void {
    this.core.update(state => withoutChange(state, conversation, change));
  }

  private ask(id: string, change: Change, body: CommandBody): void {
    const { core } = this;
    core.update(state => withChange(state, id, change));
    core.socket.command(body, change.id).then(
      ({ seq }) => core.update(state => withOutcome(state, id, change.id, { seq })),
      ({ message: reason }: Refusal) => core.update(state => withOutcome(state, id, change.id, { reason })),
    );
  }
}

/** A change that was asked for; one of the same kind to the same message that failed is forgotten for it. */
export const withChange = (state: store.State, id: string, asked: Change): store.State =>
  store.change(state, id, conversation => {
    const others = conversation.changes.filter(
      other => !(other.reason !== undefined && other.message === asked.message && other.kind === asked.kind),
    );
    return { ...conversation, changes: [...others, asked] };
  });

/** What became of a change. One whose event has come is shown by the window. */
export const withOutcome = (
  state: store.State,
  id: string,
  asked: string,
  outcome: Pick<Change, 'seq' | 'reason'>,
): store.State =>
  store.change(state, id, conversation => {
    const changes = conversation.changes.map(other =>
      other.id === asked ? { ...other, ...outcome } : other,
    );
    return { ...conversation, changes: pending(changes, conversation.log, conversation.lastSeq) };
  });

/** Forgets a change that failed. */
export const withoutChange = (state: store.State, id: string, asked: string): store.State =>
  store.change(state, id, conversation => ({
    ...conversation,
    changes: conversation.changes.filter(other => other.id !== asked),
  }));
