// Direct conversations on the chat page.
import { happened } from '../fold.ts';
import type { Noun } from './noun.ts';

export const direct: Noun<'direct.opened'> = {
  'direct.opened': {
    summarize(conversation, event) {
      conversation.members = event.data.users;
    },
    fold: happened,
    caption: (event, name) => `${name(event.actor)} opened the conversation`,
  },
};
