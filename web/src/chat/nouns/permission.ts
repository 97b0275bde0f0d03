// Who may do what in a conversation: the table of docs/permissions.md, as far as the page asks it. In doubt the server decides.
import type { Role } from '../../protocol/frames.ts';
import type { Conversation, State } from '../store.ts';
import { apart } from './direct.ts';
import { USUAL, type Rights } from './settings.ts';

export type Act = keyof typeof TABLE;

/** Whether somebody may, whom the setting lets, or to whom it may be done. */
type Cell = boolean | Rights | 'members' | 'members and admins' | 'everybody';

/** Of members, admins and owners, and of members and admins who are muted where the settings let members. */
const TABLE = {
  write: ['post', true, true, false, false],
  thread: ['threads', true, true, false, false],
  attach: ['attach', true, true, false, false],
  react: ['react', true, true, false, false],
  unreact: [true, true, true, true, true],
  everyone: ['everyone', true, true, false, false],
  pin: ['pin', true, true, false, false],
  edit: [true, true, true, false, false],
  add: ['invite', true, true, false, false],
  invite: ['invite', true, true, false, false],
  withdraw: [false, true, true, false, true],
  link: ['invite', true, true, false, false],
  revoke: [false, true, true, false, true],
  admit: ['invite', true, true, false, false],
  leave: [true, true, true, true, true],
  rename: [false, true, true, false, false],
  settings: [false, true, true, false, false],
  mute: [false, 'members', 'members and admins', false, false],
  remove: [false, 'members', 'everybody', false, false],
  ban: [false, 'members', 'everybody', false, false],
  unban: [false, true, true, false, false],
  role: [false, false, 'everybody', false, false],
  transfer: [false, false, 'members and admins', false, false],
} as const satisfies Record<string, readonly [Cell, Cell, Cell, boolean, boolean]>;

const RANKS: readonly Role[] = ['member', 'admin', 'owner'];
/** In direct conversations both may do these where nothing stands between them, and nobody anything else of the table. */
const DIRECT: readonly Act[] = ['write', 'attach', 'react', 'unreact', 'pin', 'edit'];

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

/** What a mute leaves to members and to admins. It never binds an owner. */
const mayMuted = (act: Act, rank: number): boolean => rank === 2 || TABLE[act][rank === 0 ? 3 : 4];

const reaches = (cell: 'members' | 'members and admins' | 'everybody', role: Role): boolean =>
  cell === 'everybody' || role === 'member' || (cell === 'members and admins' && role === 'admin');
