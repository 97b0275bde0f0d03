// The way to what a list has behind its first page.
import type { ListName } from '../../nouns/governed.ts';
import { ProblemLine, useDoing } from '../doing.tsx';
import type { Part } from './pane.tsx';

export function MoreOf({
  chat,
  conversation,
  governed,
  list,
}: Pick<Part, 'chat' | 'conversation' | 'governed'> & { list: ListName }) {
  const doing = useDoing('Not loaded');
  if (governed.next[list] === undefined) return null;
  return (
    <>
      <button
        class="link"
        type="button"
        aria-disabled={doing.busy}
        onClick={() => void doing.run(() => chat.governing.more(conversation.id, list))}
      >
        Show more
      </button>
      <ProblemLine of={doing} />
    </>
  );
}
