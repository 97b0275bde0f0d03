// How somebody marks conversations for themselves: muted, put away, to be shown as unread.
import type { Notice } from '../../protocol/frames.ts';

export interface Marks {
  muted: boolean;
  /** When that ends; null for never. */
  until: string | null;
  archived: boolean;
  unread: boolean;
}

export const UNMARKED: Marks = { muted: false, until: null, archived: false, unread: false };

export const isMuted = ({ muted, until }: Marks, now: number): boolean =>
  muted && (until === null || Date.parse(until) > now);

/** What somebody says in a conversation ends marks, and no notice tells of it. */
export function spoken(marks: Marks, isMine: boolean, mentionsMe: boolean, at: string): Marks {
  const back = marks.archived && (mentionsMe || !isMuted(marks, Date.parse(at)));
  const read = marks.unread && isMine;
  return back || read
    ? { ...marks, archived: marks.archived && !back, unread: marks.unread && !read }
    : marks;
}

/** What a notice says of the marks of a conversation; nothing where it is about something else. */
export function marked(notice: Notice): { conversation: string; marks: Partial<Marks> } | null {
  const data = notice.data as { conversation?: unknown; on?: unknown; until?: unknown; unread?: unknown };
  const { conversation, on, until } = data;
  if (typeof conversation !== 'string') return null;
  switch (notice.kind) {
    case 'conversation.muted':
      return { conversation, marks: { muted: on === true, until: typeof until === 'string' ? until : null } };
    case 'conversation.archived':
      return { conversation, marks: { archived: on === true } };
    case 'conversation.marked':
      return { conversation, marks: { unread: data.unread === true } };
    default:
      return null;
  }
}
