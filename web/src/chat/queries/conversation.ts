// Conversations as the list shows them, who is in them, and what they keep in view.
import { SUMMARY_MEMBERS, type Person, type Role, type Summary } from '../store.ts';
import type { Settings } from '../nouns/settings.ts';
import { line, PERSON, type Ask } from './ask.ts';

const SUMMARY = `
  id kind title myRole lastSeq lastActivityAt lastReadSeq unreadCount mentionCount unreadThreads
  muted mutedUntil archived markedUnread
  settings { post threads attach react everyone pin invite forward history join slowSeconds }
  lastMessage { seq kind text recalledAt withheld sender { ${PERSON} } }
  members(first: ${SUMMARY_MEMBERS}) { nodes { role user { ${PERSON} } } }
`;
const LIST = `query Conversations($after: String) {
  me { ${PERSON} }
  conversations(first: 40, after: $after) { nodes { ${SUMMARY} } pageInfo { hasNextPage endCursor } }
}`;
const ONE = `query Conversation($id: ID!) { conversation(id: $id) { ${SUMMARY} } }`;

type RoleName = 'OWNER' | 'ADMIN' | 'MEMBER';

interface SummaryNode {
  id: string;
  kind: 'DIRECT' | 'GROUP';
  title: string | null;
  myRole: RoleName;
  lastSeq: number;
  lastActivityAt: string;
  lastReadSeq: number;
  unreadCount: number;
  mentionCount: number;
  unreadThreads: number;
  muted: boolean;
  mutedUntil: string | null;
  archived: boolean;
  markedUnread: boolean;
  settings?: SettingsNode | null;
  lastMessage: {
    seq: number;
    kind: string;
    text: string | null;
    recalledAt: string | null;
    withheld: boolean;
    sender: Person;
  } | null;
  members: { nodes: { role: RoleName; user: Person }[] };
}

/** Summaries, and the people in them. */
export interface Found {
  summaries: Summary[];
  people: Person[];
}

/** One page of the viewer's conversations. */
export async function listConversations(
  ask: Ask,
  me: string,
  after: string | null,
): Promise<Found & { next: string | null }> {
  const answer = await ask<{
    me: Person;
    conversations: {
      nodes: SummaryNode[];
      pageInfo: { hasNextPage: boolean; endCursor: string | null };
    };
  }>(LIST, { after });
  const { nodes, pageInfo } = answer.conversations;
  const found = gather(nodes, me);
  return {
    summaries: found.summaries,
    people: [answer.me, ...found.people],
    next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
  };
}

/** One conversation, or nothing where the viewer is no member. `position` is that of an ack to wait for. */
export async function findConversation(ask: Ask, me: string, id: string, position?: string): Promise<Found> {
  const answer = await ask<{ conversation: SummaryNode | null }>(ONE, { id }, position);
  return gather(answer.conversation ? [answer.conversation] : [], me);
}

export interface MembersPage {
  people: Person[];
  roles: Map<string, Role>;
  next: string | null;
}

const MEMBERS = `query Members($id: ID!, $after: String) {
  conversation(id: $id) { members(first: 100, after: $after) { nodes { role user { ${PERSON} } } pageInfo { hasNextPage endCursor } } }
}`;

/** One page of the members of a conversation. */
export async function findMembers(ask: Ask, id: string, after: string | null): Promise<MembersPage> {
  const answer = await ask<{
    conversation: {
      members: {
        nodes: { role: RoleName; user: Person }[];
        pageInfo: { hasNextPage: boolean; endCursor: string | null };
      };
    } | null;
  }>(MEMBERS, { id, after });
  if (!answer.conversation) return { people: [], roles: new Map(), next: null };
  const { nodes, pageInfo } = answer.conversation.members;
  return {
    people: nodes.map(({ user }) => user),
    roles: new Map(nodes.map(member => [member.user.id, role(member.role)])),
    next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
  };
}

const MEMBER = `query Member($id: ID!, $user: ID!) {
  conversation(id: $id) { lastSeq member(user: $user) { role } }
}`;

/** What somebody is in a conversation that had come to a seq; null where they are no member. */
export interface FoundMember {
  role: Role | null;
  lastSeq: number;
}

/** What somebody is in a conversation; null where that is not shown to the viewer. */
export async function findMember(ask: Ask, id: string, user: string): Promise<FoundMember | null> {
  const { conversation } = await ask<{
    conversation: { lastSeq: number; member: { role: RoleName } | null } | null;
  }>(MEMBER, { id, user });
  if (!conversation) return null;
  const { lastSeq, member } = conversation;
  return { role: member && role(member.role), lastSeq };
}

/** A message that is pinned. */
export interface Pinned {
  seq: number;
  at: string;
  text: string;
  /** The display name of who wrote it. */
  sender: string;
}

const PINS = `query Pins($id: ID!) {
  conversation(id: $id) { pins { seq kind sentAt text withheld sender { displayName } } }
}`;

/** The pinned messages of a conversation, the one that was pinned last first. */
export async function findPins(ask: Ask, id: string): Promise<Pinned[]> {
  const answer = await ask<{
    conversation: {
      pins: {
        seq: number;
        kind: string;
        sentAt: string;
        text: string | null;
        withheld: boolean;
        sender: { displayName: string };
      }[];
    } | null;
  }>(PINS, { id });
  const pins = answer.conversation?.pins ?? [];
  return pins.map(pin => ({ seq: pin.seq, at: pin.sentAt, text: line(pin), sender: pin.sender.displayName }));
}

function gather(nodes: readonly SummaryNode[], me: string): Found {
  const people: Person[] = [];
  const summaries = nodes.map(node => {
    const members = node.members.nodes.map(({ user }) => user);
    people.push(...members, ...(node.lastMessage ? [node.lastMessage.sender] : []));
    return summary(node, members, me);
  });
  return { summaries, people };
}

/** Values of settings, spelled as GraphQL does. */
type SettingsNode = Record<string, string | number | boolean>;

const settingsOf = ({ slowSeconds, ...rest }: SettingsNode): Settings =>
  ({
    ...Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [
        name,
        typeof value === 'string' ? value.toLowerCase() : value,
      ]),
    ),
    slow_s: slowSeconds,
  }) as Settings;

const role = (name: RoleName): Role => name.toLowerCase() as Role;

function summary(node: SummaryNode, members: readonly Person[], me: string): Summary {
  const { lastMessage } = node;
  const roles = new Map(node.members.nodes.map(member => [member.user.id, role(member.role)] as const));
  return {
    id: node.id,
    kind: node.kind === 'DIRECT' ? 'direct' : 'group',
    title: node.title,
    members: members.map(({ id }) => id),
    roles: roles.set(me, role(node.myRole)),
    settings: node.settings ? settingsOf(node.settings) : null,
    lastSeq: node.lastSeq,
    lastAt: node.lastActivityAt,
    unread: node.unreadCount,
    mentioned: node.mentionCount,
    unreadThreads: node.unreadThreads,
    marks: {
      muted: node.muted,
      until: node.mutedUntil,
      archived: node.archived,
      unread: node.markedUnread,
    },
    readSeq: node.lastReadSeq,
    preview: lastMessage && {
      seq: lastMessage.seq,
      sender: lastMessage.sender.id,
      recalled: lastMessage.recalledAt !== null,
      text: line(lastMessage),
    },
  };
}
