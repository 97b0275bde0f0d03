// Who may do what in a conversation: the table of docs/permissions.md, as far as the page asks it. In doubt the server decides.
import type { Role } from '../../protocol/frames.ts';
import type { Conversation, State } from '../store.ts';
import { apart } from './direct.ts';
import { USUAL, type Rights } from './settings.ts';

export type Act = keyof typeof TABLE;

/** Whether somebody may, whom the setting lets, or to whom it may be done. */
type Cell = boolean | Rights | 'members' | 'members and admins' | 'everybody';

/** Of members, admins and owners, and of members who are muted where the settings let members. */
const TABLE = {
  write: ['post', true, true, false],
  thread: ['threads', true, true, false],
  attach: ['attach', true, true, false],
  react: ['react', true, true, false],
  unreact: [true, true, true, true],
  everyone: ['everyone', true, true, false],
  pin: ['pin', true, true, false],
  edit: [true, true, true, false],
  add: ['invite', true, true, false],
  invite: ['invite', true, true, false],
  withdraw: [false, true, true, false],
  link: ['invite', true, true, false],
  revoke: [false, true, true, false],
  admit: ['invite', true, true, false],
  leave: [true, true, true, true],
  rename: [false, true, true, false],
  settings: [false, true, true, false],
  mute: [false, 'members', 'members and admins', false],
  remove: [false, 'members', 'everybody', false],
  ban: [false, 'members', 'everybody', false],
  unban: [false, true, true, false],
  role: [false, false, 'everybody', false],
  transfer: [false, false, 'members and admins', false],
} as const satisfies Record<string, readonly [Cell, Cell, Cell, boolean]>;

const RANKS: readonly Role[] = ['member', 'admin', 'owner'];
/** In direct conversations both may do these where nothing stands between them, and nobody anything else of the table. */
const DIRECT: readonly Act[] = ['write', 'attach', 'react', 'unreact', 'pin', 'edit'];

/** What takes the right to speak. */
const SPEAKING: readonly Act[] = [
  'write',
  'thread',
  'attach',
  'react',
  'everyone',
  'pin',
  'edit',
  'add',
  'invite',
  'link',
  'admit',
];

type Place = Pick<Conversation, 'joined' | 'kind' | 'members' | 'roles' | 'settings'>;
/** Whoever would do something, and what they know of others. */
export type Viewer = Pick<State, 'me' | 'people' | 'relations'>;

export const roleOf = ({ roles }: Pick<Conversation, 'roles'>, user: string): Role =>
  roles.get(user) ?? 'member';

/**
 * Whether the server would let somebody do something, as far as this page can tell; `whom` is the one it is done to, and `muted` whether
 * the group has muted the one who would.
 */
export function may(act: Act, place: Place, viewer: Viewer, whom?: string, muted = false): boolean {
  if (!place.joined) return false;
  if (place.kind === 'direct') return DIRECT.includes(act) && apart(viewer, place) === null;
  const { me } = viewer;
  const rank = RANKS.indexOf(roleOf(place, me));
  if (muted && !mayMuted(act, rank)) return false;
  const cell: Cell = TABLE[act][rank]!;
  switch (cell) {
    case true:
    case false:
      return cell;
    case 'members':
    case 'members and admins':
    case 'everybody':
      return whom !== undefined && whom !== me && reaches(cell, roleOf(place, whom));
    default:
      return (place.settings ?? USUAL)[cell] === 'members';
  }
}

/** A mute binds admins where they speak or bring people in, members in all but leaving, and owners in nothing. */
const mayMuted = (act: Act, rank: number): boolean =>
  TABLE[act][3] || rank === 2 || (rank === 1 && !SPEAKING.includes(act));

const reaches = (cell: 'members' | 'members and admins' | 'everybody', role: Role): boolean =>
  cell === 'everybody' || role === 'member' || (cell === 'members and admins' && role === 'admin');
