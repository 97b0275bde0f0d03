// Pinned messages on the chat page.
import { amend, happened } from '../fold.ts';
import type { Conversation } from '../store.ts';
import type { Noun } from './noun.ts';
import { may } from './permission.ts';

export const pin: Noun<'pin.changed'> = {
  'pin.changed': {
    fold(into, event) {
      amend(into, event.data.message, { pinned: event.data.on });
      happened(into, event);
    },
    caption: ({ actor, data: { on } }, name) => `${name(actor)} ${on ? 'pinned' : 'unpinned'} a message`,
  },
};

/** Whether the server would let somebody pin messages, as far as this page can tell. */
export const mayPin = (conversation: Conversation, me: string): boolean => may('pin', conversation, me);
