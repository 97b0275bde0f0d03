// Pinned messages on the chat page.
import { amend, happened } from '../fold.ts';
import type { Noun } from './noun.ts';

export const pin: Noun<'pin.changed'> = {
  'pin.changed': {
    fold(into, event) {
      amend(into, event.data.message, { pinned: event.data.on });
      happened(into, event);
    },
    caption: ({ actor, data: { on } }, name) => `${name(actor)} ${on ? 'pinned' : 'unpinned'} a message`,
  },
};
