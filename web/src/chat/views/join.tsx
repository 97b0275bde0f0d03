// The question before somebody comes into a group by an address that they were given.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import type { Way } from '../joining.ts';
import type { State } from '../store.ts';
import { ProblemLine, useDoing } from './doing.tsx';
import { useRefuge } from './focus.ts';

interface Props {
  chat: Chat;
  state: State;
  way: Way;
  /** With the conversation, where it is open now. */
  onClose(conversation: string | null): void;
}

export function Join({ chat, state, way, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const heading = useId();
  const joining = useDoing('You did not come in');
  const takingBack = useDoing('You still ask to be let in');
  /** The group that they have asked, also when they do so no more. */
  const [asked, setAsked] = useState<string | null>(null);
  const [tookBack, setTookBack] = useState(false);
  const joined = useRef<string | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  useRefuge(dialog, title);

  async function join(event: Event): Promise<void> {
    event.preventDefault();
    await joining.run(async () => {
      const { conversation, asks } = await chat.joining.join(way);
      if (asks) return setAsked(conversation);
      joined.current = conversation;
      dialog.current?.close();
    });
  }

  async function takeBack(conversation: string): Promise<void> {
    if (await takingBack.run(() => chat.joining.takeBack(conversation))) setTookBack(true);
  }

  const isIn = asked !== null && state.conversations.get(asked)?.joined === true;
  const said = isIn
    ? 'You were let in. The group is among your conversations.'
    : tookBack
      ? 'You ask no more to be let in. You can ask again in a day.'
      : asked !== null
        ? 'You have asked to be let in. The group is among your conversations as soon as somebody has.'
        : way.kind === 'link'
          ? 'Somebody gave you a link into a group. Its members will see that you have come.'
          : 'Its members will see that you come, or that you ask to.';
  return (
    <dialog ref={dialog} onClose={() => onClose(joined.current)} aria-labelledby={heading}>
      <form onSubmit={event => void join(event)}>
        <h2 id={heading} ref={title}>
          Come into a group?
        </h2>
        <p class="quiet" role="status">
          {said}
        </p>
        <ProblemLine of={asked === null ? joining : takingBack} />
        <div class="actions">
          {asked !== null && !isIn && !tookBack && (
            <button type="button" aria-disabled={takingBack.busy} onClick={() => void takeBack(asked)}>
              Take it back
            </button>
          )}
          <button type="button" onClick={() => dialog.current?.close()}>
            {asked === null ? 'Cancel' : 'Close'}
          </button>
          {asked === null && (
            <button class="primary" type="submit" aria-disabled={joining.busy}>
              {way.kind === 'link' ? 'Come in' : 'Come in, or ask to'}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}
