// What somebody can do with a conversation for themselves.
import { useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import { otherIn } from '../nouns/direct.ts';
import { isMuted } from '../nouns/mark.ts';
import * as store from '../store.ts';
import { useBlocking } from './contacts/block.tsx';
import { ProblemLine } from './doing.tsx';
import { MoreIcon } from './icons.tsx';
import { Menu, type Choice } from './menu.tsx';
import { Question } from './question.tsx';

const HOUR_MS = 3_600_000;

interface Props {
  chat: Chat;
  state: store.State;
  conversation: store.Conversation;
  /** What came of it: an empty text where all went well. */
  onOutcome(problem: string): void;
}

export function OwnMarksMenu({ chat, state, conversation, onOutcome }: Props) {
  const { id, marks } = conversation;
  const other = otherIn(state, conversation);
  const blocking = useBlocking(chat, state, other ?? '');
  const doing = (act: () => Promise<void>) => () =>
    void act().then(
      () => onOutcome(''),
      (error: Error) => onOutcome(`It did not work: ${error.message}`),
    );
  const mute = (label: string, forMs?: number): Choice => ({
    label,
    act: doing(() => chat.marks.mute(id, true, forMs)),
  });
  const [clearing, setClearing] = useState(false);
  const choices: Choice[] = [
    ...(isMuted(marks, chat.now())
      ? [{ label: 'Unmute', act: doing(() => chat.marks.mute(id, false)) }]
      : [mute('Mute for an hour', HOUR_MS), mute('Mute for a day', 24 * HOUR_MS), mute('Mute')]),
    {
      label: marks.archived ? 'Take out of the archive' : 'Archive',
      act: doing(() => chat.marks.archive(id, !marks.archived)),
    },
    {
      label: 'Mark as unread',
      act: doing(async () => {
        await chat.marks.markUnread(id);
        // Whoever looks on has read it.
        location.hash = '';
      }),
    },
    { label: 'Clear for me', act: () => setClearing(true) },
    ...(other === undefined ? [] : [blocking.choice]),
  ];
  return (
    <>
      <Menu label="More" choices={choices}>
        <MoreIcon />
      </Menu>
      {blocking.question}
      <ProblemLine of={blocking.doing} />
      {clearing && (
        <Question
          title="Clear this conversation?"
          yes="Clear"
          no="Keep it"
          onYes={doing(() => chat.hiding.clear(id))}
          onClose={() => setClearing(false)}
        >
          <p class="quiet">
            You will not see any more what has been said here so far, on any of your devices. Everybody else
            still does.
          </p>
        </Question>
      )}
    </>
  );
}
