// How groups govern themselves, on the chat page: what became of settings, who was muted or banned, and who is asked in.
import { happened } from '../fold.ts';
import type { Noun } from './noun.ts';
import { changes, USUAL } from './settings.ts';

type Kinds =
  | 'group.settings_changed'
  | 'member.muted'
  | 'member.banned'
  | 'member.unbanned'
  | 'link.created'
  | 'link.revoked'
  | 'join.requested'
  | 'join.refused'
  | 'invitation.sent'
  | 'invitation.accepted'
  | 'invitation.declined'
  | 'invitation.withdrawn';

export const governance: Noun<Kinds> = {
  'group.settings_changed': {
    summarize(conversation, { data: { settings } }) {
      conversation.settings = { ...(conversation.settings ?? USUAL), ...settings };
    },
    fold: happened,
    caption: ({ actor, data }, name) =>
      `${name(actor)} changed the group: ${changes(data.settings).join('; ')}`,
  },
  'member.muted': {
    fold: happened,
    caption: ({ actor, data }, name) =>
      data.on
        ? `${name(actor)} muted ${name(data.user)}`
        : `${name(actor)} let ${name(data.user)} write again`,
  },
  'member.banned': {
    fold: happened,
    caption: ({ actor, data }, name) =>
      `${name(actor)} banned ${name(data.user)}${data.reason === undefined ? '' : `: ${data.reason}`}`,
  },
  'member.unbanned': {
    fold: happened,
    caption: ({ actor, data }, name) => `${name(actor)} lifted the ban of ${name(data.user)}`,
  },
  'link.created': {
    fold: happened,
    caption: ({ actor }, name) => `${name(actor)} made an invite link`,
  },
  'link.revoked': {
    fold: happened,
    caption: ({ actor }, name) => `${name(actor)} revoked an invite link`,
  },
  'join.requested': {
    fold: happened,
    caption: ({ data }, name) => `${name(data.user)} asks to be let in`,
  },
  'join.refused': {
    fold: happened,
    caption: ({ actor, data }, name) =>
      actor === data.user
        ? `${name(actor)} asks no more to be let in`
        : `${name(actor)} did not let ${name(data.user)} in`,
  },
  'invitation.sent': {
    fold: happened,
    caption: ({ data }, name) => `${name(data.by)} invited ${name(data.user)}`,
  },
  'invitation.accepted': {
    fold: happened,
    caption: ({ data }, name) => `${name(data.user)} accepted the invitation`,
  },
  'invitation.declined': {
    fold: happened,
    caption: ({ data }, name) => `${name(data.user)} declined the invitation`,
  },
  'invitation.withdrawn': {
    fold: happened,
    caption: ({ data }, name) =>
      data.by === undefined
        ? `${name(data.user)} is invited no more`
        : `${name(data.by)} invites ${name(data.user)} no more`,
  },
};
