// Groups on the chat page: who is in, what they are in it, and its name.
import { happened } from '../fold.ts';
import type { Conversation, Role } from '../store.ts';
import type { Noun } from './noun.ts';

type Kinds =
  'group.created' | 'group.renamed' | 'member.added' | 'member.removed' | 'member.left' | 'role.changed';

export const group: Noun<Kinds> = {
  'group.created': {
    summarize(conversation, { data }) {
      conversation.title = data.name;
      conversation.members = data.members;
      conversation.roles = new Map([[data.owner, 'owner']]);
    },
    fold: happened,
    caption: ({ actor, data }, name) => `${name(actor)} created the group “${data.name}”`,
  },
  'group.renamed': {
    summarize(conversation, { data }) {
      conversation.title = data.name;
    },
    fold: happened,
    caption: ({ actor, data }, name) => `${name(actor)} renamed the group to “${data.name}”`,
  },
  'member.added': {
    summarize(conversation, { data: { user, role } }, me) {
      conversation.members = [...without(conversation, user), user];
      ranked(conversation, user, role);
      if (user !== me) return;
      conversation.joined = true;
      if (conversation.history === 'closed') conversation.history = 'idle';
    },
    fold: happened,
    caption: ({ actor, data }, name) =>
      actor === data.user ? `${name(actor)} joined` : `${name(actor)} added ${name(data.user)}`,
  },
  'member.removed': {
    summarize: (conversation, { data }, me) => gone(conversation, data.user, me),
    fold: happened,
    caption: ({ actor, data }, name) => `${name(actor)} removed ${name(data.user)}`,
  },
  'member.left': {
    summarize: (conversation, { data }, me) => gone(conversation, data.user, me),
    fold: happened,
    caption: ({ data }, name) => `${name(data.user)} left`,
  },
  'role.changed': {
    summarize: (conversation, { data: { user, role } }) => ranked(conversation, user, role),
    fold: happened,
    caption: ({ actor, data: { user, role } }, name) =>
      `${name(actor)} made ${name(user)} ${role === 'member' ? 'a' : 'an'} ${role}`,
  },
};

/** How many members a group has, as far as that is known. */
export const countText = ({ members, roster }: Pick<Conversation, 'members' | 'roster'>): string =>
  roster === 'all' ? `${members.length}` : roster === 'first' ? `${members.length}+` : '';

const without = ({ members }: Conversation, user: string): string[] =>
  members.filter(member => member !== user);

function ranked(conversation: Conversation, user: string, role: Role): void {
  conversation.roles = new Map(conversation.roles).set(user, role);
}

function gone(conversation: Conversation, user: string, me: string): void {
  conversation.members = without(conversation, user);
  ranked(conversation, user, 'member');
  if (user !== me) return;
  conversation.joined = false;
  // There is nobody to ask for the rest.
  conversation.partial = false;
}
