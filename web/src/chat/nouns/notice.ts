// What somebody is told of and may have missed: announcements, contacts, invitations, requests to be let into groups, their account, and what
// moderators and admins did about them.
import type { Notice, TidingsEvent } from '../../protocol/frames.ts';
import type { Entry } from '../fold.ts';

export interface Told {
  /** The same for the same, however often it comes. */
  key: string;
  at: string;
  /** Its place among the notices; nothing of what a conversation tells. */
  seq?: number;
  read: boolean;
  kind: 'announcement' | 'contact' | 'invitation' | 'request' | 'account' | 'moderation';
  /** The whole of what has no names in it, as announcements; else what happened, with `{by}` and `{where}` for names. */
  text: string;
  by?: string;
  /** The conversation in which it happened, or what an invitation calls the group. */
  conversation?: string;
  group?: string;
  /** Where somebody sees to it. */
  leads?: 'conversation' | 'requests' | 'sessions';
}

/** So many are kept, the newest. */
export const KEPT_MAX = 100;

/** What a notice tells somebody; nothing of those that tell what they did themselves, as by beginning this `session`. */
export function ofNotice({ seq, at, kind, data }: Notice, me: string, session?: string): Told | null {
  const { by, text, name, outcome, conversation, id } = data as Record<string, unknown>;
  const told = { key: `notice/${seq}`, at, seq, read: false } as const;
  switch (kind) {
    case 'announcement':
      if (typeof text !== 'string') return null;
      return { ...told, ...(typeof id === 'string' && { key: id }), kind: 'announcement', text };
    case 'contact.requested':
    case 'contact.accepted': {
      if (typeof by !== 'string' || by === me) return null;
      const what = kind === 'contact.requested' ? 'asks you to be a contact' : 'is your contact now';
      return { ...told, kind: 'contact', by, text: `{by} ${what}` };
    }
    case 'group.invited':
      if (typeof by !== 'string' || typeof name !== 'string') return null;
      return { ...told, kind: 'invitation', by, group: name, text: '{by} invites you to {where}' };
    case 'invitation.ended':
      if (outcome !== 'withdrawn' || typeof conversation !== 'string') return null;
      // Others may invite them still.
      if (typeof by === 'string')
        return {
          ...told,
          kind: 'invitation',
          by,
          conversation,
          text: '{by} no longer invites you to {where}',
        };
      return { ...told, kind: 'invitation', conversation, text: 'You are no longer invited to {where}' };
    case 'group.asked': {
      const { user } = data as Record<string, unknown>;
      if (typeof user !== 'string' || typeof conversation !== 'string') return null;
      const text = '{by} asks to be let into {where}';
      return { ...told, kind: 'request', by: user, conversation, leads: 'requests', text };
    }
    case 'join.answered': {
      if (typeof conversation !== 'string') return null;
      const { approved } = data as Record<string, unknown>;
      return approved === true
        ? { ...told, kind: 'request', conversation, leads: 'conversation', text: 'You were let into {where}' }
        : { ...told, kind: 'request', conversation, text: 'You were not let into {where}' };
    }
    case 'account': {
      const text = ofAccount(data as Record<string, unknown>, session);
      if (text === null) return null;
      const { matter } = data as Record<string, unknown>;
      const leads = matter === 'signed_in' || matter === 'password_changed' ? 'sessions' : undefined;
      return { ...told, kind: 'account', text, ...(leads && { leads }) };
    }
    default:
      return null;
  }
}

/** What has become of somebody's account; nothing of what this page did, or does not know. */
function ofAccount(
  { matter, device, granted, taken, session: begun }: Record<string, unknown>,
  session: string | undefined,
): string | null {
  const roles = (some: unknown): string => (Array.isArray(some) ? some.join(', ') : '');
  switch (matter) {
    case 'signed_in': {
      if (begun === session) return null;
      const by = typeof device === 'string' ? `: ${device}` : '';
      return `Somebody signed in to your account${by}`;
    }
    case 'password_changed':
      return 'Your password was changed';
    case 'roles_changed': {
      const given = roles(granted) && `You were given: ${roles(granted)}.`;
      const gone = roles(taken) && `Taken from you: ${roles(taken)}.`;
      return [given, gone].filter(Boolean).join(' ') || null;
    }
    case 'reinstated':
      return 'Your account is no longer suspended';
    default:
      return null;
  }
}

const ROLES = { owner: 'an owner', admin: 'an admin', member: 'an ordinary member' };

/** What an event tells somebody of what others did about them; `entries` are what is loaded of its conversation. */
export function ofEvent(event: TidingsEvent, me: string, entries: readonly Entry[]): Told | null {
  const { conversation, seq, at, actor: by } = event;
  if (by === me) return null;
  const told = {
    key: `${conversation}/${seq}`,
    at,
    read: false,
    kind: 'moderation',
    by,
    conversation,
  } as const;
  switch (event.kind) {
    case 'message.recalled': {
      const { message, reason } = event.data;
      const mine = entries.some(
        entry => entry.kind === 'message' && entry.id === message && entry.sender === me,
      );
      if (!mine) return null;
      const why = reason === undefined ? '' : `: ${reason}`;
      return { ...told, text: `{by} took back a message of yours in {where}${why}` };
    }
    case 'member.muted': {
      const { user, on } = event.data;
      if (user !== me) return null;
      return { ...told, text: on ? '{by} muted you in {where}' : '{by} let you write again in {where}' };
    }
    case 'member.removed':
      return event.data.user === me ? { ...told, text: '{by} removed you from {where}' } : null;
    case 'role.changed':
      if (event.data.user !== me) return null;
      return { ...told, text: `{by} made you ${ROLES[event.data.role]} of {where}` };
    default:
      return null;
  }
}

/** Both together, the newest first, each once; what was read of either is read. */
export function together(some: readonly Told[], others: readonly Told[]): Told[] {
  const all = new Map<string, Told>();
  for (const told of [...some, ...others]) {
    const known = all.get(told.key);
    all.set(told.key, { ...told, read: told.read || (known?.read ?? false) });
  }
  const newest = [...all.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  return newest.slice(0, KEPT_MAX);
}

/** What it says, with names in their places. */
export const toldText = ({ text, kind }: Told, by: string, where: string): string =>
  kind === 'announcement' || kind === 'account'
    ? text
    : text.replace('{by}', () => by).replace('{where}', () => where);
