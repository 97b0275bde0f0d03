// Leaving a group.
import { useState } from 'preact/hooks';
import { roleOf } from '../../nouns/permission.ts';
import { ProblemLine, useDoing } from '../doing.tsx';
import { Question } from '../question.tsx';
import type { Part } from './pane.tsx';

export function Leave({ chat, state, conversation }: Part) {
  const [asking, setAsking] = useState(false);
  const leaving = useDoing('You have not left');
  const owner = roleOf(conversation, state.me) === 'owner';
  return (
    <>
      <button class="leave" type="button" aria-disabled={leaving.busy} onClick={() => setAsking(true)}>
        Leave the group
      </button>
      <ProblemLine of={leaving} />
      {asking && (
        <Question
          title="Leave this group?"
          yes="Leave"
          no="Stay"
          onYes={() => void leaving.run(() => chat.governing.leave(conversation.id))}
          onClose={() => setAsking(false)}
        >
          <p class="quiet">
            You see nothing of what is said here from then on.
            {owner && ' Where there is no other owner, somebody else becomes one.'}
          </p>
        </Question>
      )}
    </>
  );
}
