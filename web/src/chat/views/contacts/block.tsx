// Blocking somebody, after a question, and doing so no more.
import { useState } from 'preact/hooks';
import type { Chat } from '../../chat.ts';
import * as store from '../../store.ts';
import { useDoing } from '../doing.tsx';
import { Question } from '../question.tsx';

export function useBlocking(chat: Chat, state: store.State, user: string) {
  const doing = useDoing('It did not work');
  const [asking, setAsking] = useState(false);
  const name = store.personName(state, user);
  const blocked = state.relations.blocked.has(user);
  const unblock = (): void => void doing.run(() => chat.contacts.block(user, false));
  return {
    doing,
    blocked,
    unblock,
    /** What stands for it in a menu. */
    choice: blocked
      ? { label: 'Unblock', act: unblock }
      : { label: 'Block…', act: (): void => setAsking(true) },
    question: asking && (
      <Question
        title={`Block ${name}?`}
        yes="Block"
        no="Cancel"
        onYes={() => void doing.run(() => chat.contacts.block(user, true))}
        onClose={() => setAsking(false)}
      >
        <p class="quiet">
          {name} does not write to you alone any more, and neither of you sees when the other is here. They
          are not told. In groups that you both are in, nothing changes.
        </p>
      </Question>
    ),
  };
}
