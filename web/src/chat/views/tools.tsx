// What can be done with a message, by buttons and by keys.
import type { JSX } from 'preact';
import type { Chat } from '../chat.ts';
import type { MessageEntry } from '../fold.ts';
import { mayEdit, mayRecall } from '../nouns/message.ts';
import { may, type Act as Permitted } from '../nouns/permission.ts';
import {
  AnswerIcon,
  EditIcon,
  ForwardIcon,
  HideIcon,
  PinIcon,
  ReactIcon,
  RecallIcon,
  ReportIcon,
  SeenIcon,
  ThreadIcon,
  VersionsIcon,
} from './icons.tsx';

export type Act =
  | 'answer'
  | 'thread'
  | 'react'
  | 'forward'
  | 'pin'
  | 'edit'
  | 'versions'
  | 'seen'
  | 'recall'
  | 'hide'
  | 'report';

/** The key does it with the message that has the focus. */
export const TOOLS: Record<Act, { label: string; key: string; icon: () => JSX.Element }> = {
  answer: { label: 'Reply', key: 'a', icon: AnswerIcon },
  thread: { label: 'Reply in a thread', key: 't', icon: ThreadIcon },
  react: { label: 'React', key: 'r', icon: ReactIcon },
  forward: { label: 'Forward', key: 'f', icon: ForwardIcon },
  pin: { label: 'Pin', key: 'p', icon: PinIcon },
  edit: { label: 'Edit', key: 'e', icon: EditIcon },
  versions: { label: 'What it said before', key: 'h', icon: VersionsIcon },
  seen: { label: 'Seen by', key: 's', icon: SeenIcon },
  recall: { label: 'Recall', key: 'Delete', icon: RecallIcon },
  hide: { label: 'Hide from me', key: 'x', icon: HideIcon },
  report: { label: 'Report', key: '!', icon: ReportIcon },
};

/** What somebody may do with a message now, in the order of the buttons. */
export function actsFor(chat: Chat, id: string, message: MessageEntry, inThread: boolean): Act[] {
  const { state } = chat;
  const { me, limits } = state;
  const conversation = state.conversations.get(id);
  if (!conversation?.joined) return [];
  const allowed = (act: Permitted): boolean => may(act, conversation, state);
  const threaded = !inThread && allowed('thread');
  // What was taken back can be reported, too.
  const report: Act[] = message.sender === me ? [] : ['report'];
  if (!message.content) return [...(threaded ? (['thread'] as const) : []), 'hide', ...report];
  const acts: Act[] = !inThread && allowed('write') ? ['answer'] : [];
  if (threaded) acts.push('thread');
  if (allowed('react')) acts.push('react');
  if (conversation.settings?.forward !== false) acts.push('forward');
  if (allowed('pin')) acts.push('pin');
  if (mayEdit(message, conversation, state, limits, chat.now())) acts.push('edit');
  if (message.editedAt) acts.push('versions');
  if (message.sender === me) acts.push('seen');
  if (mayRecall(message, conversation, me, limits, chat.now())) acts.push('recall');
  acts.push('hide', ...report);
  return acts;
}

interface Props {
  acts: readonly Act[];
  does: Record<Act, () => void>;
  pinned: boolean;
  /** Whether a reaction is being chosen. */
  picking: boolean;
}

export function Tools({ acts, does, pinned, picking }: Props) {
  if (acts.length === 0) return null;
  return (
    <div class="tools" role="toolbar" aria-label="What to do with this message">
      {acts.map(which => {
        const { key, icon } = TOOLS[which];
        const label = which === 'pin' && pinned ? 'Unpin' : TOOLS[which].label;
        return (
          <button
            key={which}
            type="button"
            aria-label={label}
            aria-keyshortcuts={key}
            title={`${label} (${key})`}
            aria-expanded={which === 'react' ? picking : undefined}
            onClick={does[which]}
          >
            {icon()}
          </button>
        );
      })}
    </div>
  );
}
