// What goes over the socket, as `docs/protocol.md` says. Only what this client uses.

export type Content =
  { kind: 'text'; text: string } | { kind: 'image' | 'file'; attachment: string; caption?: string };

/** What a member of a group may do. */
export type Role = 'owner' | 'admin' | 'member';

interface Happened {
  type: 'event';
  conversation: string;
  seq: number;
  actor: string;
  at: string;
}

/** Settings of a group, those that became others, or are to. */
export interface GroupSettings {
  post?: Who;
  invite?: Who;
  pin?: Who;
  everyone?: Who;
  threads?: Who;
  react?: Who;
  attach?: Who;
  forward?: boolean;
  history?: 'shared' | 'joined';
  join?: 'invite' | 'request' | 'open';
  slow_s?: number;
}

export type Who = 'members' | 'admins';

export type TidingsEvent = Happened &
  (
    | { kind: 'direct.opened'; data: { users: [string, string] } }
    | { kind: 'group.created'; data: { name: string; owner: string; members: string[] } }
    | { kind: 'member.added'; data: { user: string; role: Role; link?: string } }
    | { kind: 'member.removed'; data: { user: string } }
    | { kind: 'member.left'; data: { user: string } }
    | { kind: 'group.renamed'; data: { name: string } }
    | { kind: 'role.changed'; data: { user: string; role: Role } }
    | { kind: 'group.settings_changed'; data: { settings: GroupSettings } }
    | { kind: 'member.muted'; data: { user: string; on: boolean; until?: string } }
    | { kind: 'member.banned'; data: { user: string; until?: string; reason?: string } }
    | { kind: 'member.unbanned'; data: { user: string } }
    | { kind: 'link.created'; data: { link: string; by: string; until: string; uses?: number } }
    | { kind: 'link.revoked'; data: { link: string } }
    | { kind: 'join.requested'; data: { user: string } }
    | { kind: 'join.refused'; data: { user: string } }
    | { kind: 'invitation.sent'; data: { user: string; by: string; until: string; name: string } }
    | { kind: 'invitation.accepted'; data: { user: string } }
    | { kind: 'invitation.declined'; data: { user: string } }
    | { kind: 'invitation.withdrawn'; data: { user: string; by?: string } }
    // No content: what it said has been recalled since, or is withheld. `message_seq` is the place of the message that changed.
    | {
        kind: 'message.sent';
        data: {
          message: string;
          content: Content | null;
          /** Whether moderators look at it: what it says may come back. */
          withheld?: boolean;
          reply_to?: string;
          mentions?: string[];
          /** The message that begins the thread in which this one stands, and whether the main timeline shows it, too. */
          thread?: string;
          also?: boolean;
          /** Whether it mentions all who were members. */
          everyone?: boolean;
          /** Whose words it repeats, and when they were said first. */
          forwarded?: { sender: string; at: string };
        };
      }
    | { kind: 'message.edited'; data: { message: string; message_seq: number; content: Content | null } }
    | { kind: 'message.recalled'; data: { message: string; message_seq: number; reason?: string } }
    | {
        kind: 'message.withheld';
        data: { message: string; message_seq: number; withheld: boolean; reason?: string };
      }
    | {
        kind: 'reaction.changed';
        data: { message: string; message_seq: number; emoji: string; on: boolean };
      }
    | { kind: 'pin.changed'; data: { message: string; message_seq: number; on: boolean } }
  );

export interface Ack {
  type: 'ack';
  id: string;
  conversation: string;
  seq: number;
  position: string;
  at: string;
  duplicate?: boolean;
  /** What the command made for its sender alone: an invite link, or that they wait to be let in. */
  data?: { link?: string; secret?: string; pending?: boolean };
}

export interface ErrorFrame {
  type: 'error';
  id?: string;
  code: string;
  message: string;
  retryable: boolean;
  field?: string;
  retry_after_ms?: number;
  /** Where a cursor in `resume` is ahead: of which conversation (else of the notices), and where that ends. */
  conversation?: string;
  head?: number;
}

export interface Events {
  type: 'events';
  id: string;
  conversation: string;
  events: TidingsEvent[];
  more: boolean;
  /** Where to go on, where there are none: what lies before that is not shown. */
  next?: number;
}

export interface Gap {
  type: 'gap';
  conversation: string;
  from: number;
  to: number;
}

export type Ephemeral =
  | { type: 'typing'; conversation: string; user: string; on: boolean }
  | { type: 'receipt'; conversation: string; user: string; read_seq: number; delivered_seq?: number }
  | ({ type: 'presence'; user: string } & Seen)
  | { type: 'presence.count'; conversation: string; online: number }
  // All that is watched; it takes the place of what was known before.
  | {
      type: 'presence.state';
      users: Record<string, Seen>;
      conversations: Record<string, { online: number }>;
      unknown?: boolean;
    };

/** How somebody is there, or when they were last. */
export interface Seen {
  online: boolean;
  status?: 'away' | 'dnd';
  last_seen?: string;
}

export interface Welcome {
  type: 'welcome';
  user: string;
  session: string;
  server: string;
  heartbeat_ms: number;
  time: string;
  /** What is absent has no limit of its own. */
  limits?: {
    text_bytes?: number;
    /** In seconds; 0 is never, -1 for ever. */
    edit_window_s?: number;
    recall_window_s?: number;
    emoji_bytes?: number;
    attachment_bytes?: number;
    /** What is offered to whoever reports a message, and whether they may say something else. */
    report_reasons?: string[];
    report_other_reasons?: boolean;
  };
}

/** Something that concerns this user alone. There may be kinds that this client does not know. */
export interface Notice {
  type: 'notice';
  seq: number;
  kind: string;
  at: string;
  data: object;
}

export type ServerFrame =
  | TidingsEvent
  | Ack
  | ErrorFrame
  | Events
  | Gap
  | Ephemeral
  | Welcome
  | { type: 'synced' }
  | Notice
  | { type: 'pong'; id?: string }
  | { type: 'close'; code: number; reason: string; reconnect: boolean; retry_after_ms?: number };

/** What is done in a group about somebody, with no more to be said. */
export type AboutSomebody =
  | 'group.add'
  | 'group.remove'
  | 'group.transfer'
  | 'group.unban'
  | 'group.approve'
  | 'group.refuse'
  | 'group.invite'
  | 'group.withdraw';

/** For whom something is. */
export type Audience = 'everyone' | 'contacts' | 'nobody';

/** A command without its id. */
export type CommandBody =
  | { type: 'direct.open'; user: string }
  | { type: 'group.create'; name: string; members: string[] }
  | { type: 'group.leave' | 'group.accept' | 'group.decline'; conversation: string }
  | { type: AboutSomebody; conversation: string; user: string }
  | { type: 'profile.update'; display_name?: string; about?: string; avatar?: string }
  | {
      type: 'settings.update';
      receipts?: boolean;
      last_seen?: Audience;
      direct?: Audience;
      add_me?: Audience;
    }
  | { type: 'report.send'; conversation: string; message: string; reason: string; note?: string }
  | { type: 'contact.request'; user: string; text?: string }
  | { type: 'contact.accept' | 'contact.decline' | 'contact.withdraw' | 'contact.remove'; user: string }
  | { type: 'user.block'; user: string; on: boolean }
  | { type: 'group.rename'; conversation: string; name: string }
  | { type: 'group.role'; conversation: string; user: string; role: Role }
  | { type: 'group.settings'; conversation: string; settings: GroupSettings }
  | { type: 'group.mute'; conversation: string; user: string; on: boolean; until?: string }
  | { type: 'group.ban'; conversation: string; user: string; until?: string; reason?: string }
  | { type: 'group.link.create'; conversation: string; expires_in_s?: number; uses?: number }
  | { type: 'group.link.revoke'; conversation: string; link: string }
  // One of both.
  | { type: 'group.join'; secret?: string; conversation?: string }
  | {
      type: 'message.send';
      conversation: string;
      /** One of both. */
      content?: Content;
      forward?: { conversation: string; message: string };
      reply_to?: string;
      mentions?: string[];
      thread?: string;
      also?: boolean;
      everyone?: boolean;
    }
  | { type: 'message.edit'; conversation: string; message: string; content: Content }
  | { type: 'message.recall'; conversation: string; message: string }
  | { type: 'message.react'; conversation: string; message: string; emoji: string; on: boolean }
  | { type: 'message.pin'; conversation: string; message: string; on: boolean }
  | { type: 'message.hide'; conversation: string; messages: string[] }
  | { type: 'conversation.clear'; conversation: string; seq: number }
  | { type: 'conversation.mute'; conversation: string; on: boolean; until?: string }
  | { type: 'conversation.archive'; conversation: string; on: boolean }
  | { type: 'conversation.mark'; conversation: string; unread: boolean }
  | { type: 'thread.follow'; conversation: string; thread: string; on: boolean }
  | { type: 'read'; conversation: string; seq: number; thread?: string };

/** The objects of a text frame. What is no object with a type is left out: receivers ignore what they do not know. */
export function parseFrame(text: string): ServerFrame[] {
  const objects: ServerFrame[] = [];
  for (const line of text.split('\n')) {
    try {
      const object: unknown = JSON.parse(line);
      if (typeof object === 'object' && object !== null && 'type' in object)
        objects.push(object as ServerFrame);
    } catch {
      continue;
    }
  }
  return objects;
}
