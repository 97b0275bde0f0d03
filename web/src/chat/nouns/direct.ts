// Direct conversations on the chat page.
import { happened } from '../fold.ts';
import type { Conversation, State } from '../store.ts';
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

/** The other of a direct conversation. */
export const otherIn = (
  { me }: Pick<State, 'me'>,
  { kind, members }: Pick<Conversation, 'kind' | 'members'>,
): string | undefined => (kind === 'direct' ? members.find(member => member !== me) : undefined);

/** What keeps the other of a direct conversation from being shown anything, as far as this page can tell: whether they block is not told. */
export function apart(
  { me, people, relations }: Pick<State, 'me' | 'people' | 'relations'>,
  conversation: Pick<Conversation, 'kind' | 'members'>,
): 'deleted' | 'blocked' | null {
  const other = otherIn({ me }, conversation);
  if (other === undefined) return null;
  if (people.get(other)?.isDeleted) return 'deleted';
  return relations.blocked.has(other) ? 'blocked' : null;
}
