// What people tell of themselves, and their pictures.
import type { Audience } from '../../protocol/frames.ts';
import type { OwnSettings, Profile } from '../nouns/profile.ts';
import type { Ask } from './ask.ts';

const PROFILE = `id username displayName about isDeleted lastSeen
  avatar { small: thumbnailUrl large: url } names { displayName }
  settings { receipts lastSeen direct addMe }`;
const ONE = `query Profile($id: ID!) { user(id: $id) { ${PROFILE} } }`;

interface Node {
  id: string;
  username: string;
  displayName: string;
  about: string | null;
  isDeleted: boolean;
  lastSeen: string | null;
  avatar: { small: string | null; large: string } | null;
  names: { displayName: string }[];
  settings: { receipts: boolean; lastSeen: string; direct: string; addMe: string } | null;
}

/** Somebody; with a position, as of then. Null where there is nobody of that id. */
export async function findProfile(ask: Ask, id: string, position?: string): Promise<Profile | null> {
  const { user } = await ask<{ user: Node | null }>(ONE, { id }, position);
  if (!user) return null;
  const { avatar, names, settings, ...rest } = user;
  const before = names.map(({ displayName }) => displayName).filter(name => name !== user.displayName);
  return {
    ...rest,
    picture: avatar && { small: avatar.small ?? avatar.large, large: avatar.large },
    names: [...new Set(before)],
    settings: settings && settingsOf(settings),
  };
}

const settingsOf = ({ receipts, lastSeen, direct, addMe }: NonNullable<Node['settings']>): OwnSettings => ({
  receipts,
  last_seen: lastSeen.toLowerCase() as Audience,
  direct: direct.toLowerCase() as Audience,
  add_me: addMe.toLowerCase() as Audience,
});

/** What somebody is shown by, small. */
export interface Face {
  /** Null of those who show no picture. */
  address: string | null;
}

/** The pictures of people by their ids, as far as those exist. */
export async function findFaces(ask: Ask, ids: readonly string[]): Promise<Map<string, Face>> {
  const parameters = ids.map((_, i) => `$u${i}: ID!`).join(', ');
  const fields = ids.map((_, i) => `u${i}: user(id: $u${i}) { avatar { thumbnailUrl } }`);
  const variables = Object.fromEntries(ids.map((id, i) => [`u${i}`, id]));
  const answer = await ask<Record<string, { avatar: { thumbnailUrl: string | null } | null } | null>>(
    `query Faces(${parameters}) { ${fields.join(' ')} }`,
    variables,
  );
  const found = new Map<string, Face>();
  for (const [i, id] of ids.entries()) {
    const user = answer[`u${i}`];
    if (user) found.set(id, { address: user.avatar?.thumbnailUrl ?? null });
  }
  return found;
}
