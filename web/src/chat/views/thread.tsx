// A thread beside its conversation: the message that begins it, its replies, and where to write more.
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { pending, wanted } from '../change.ts';
import type { Chat } from '../chat.ts';
import type { MessageEntry } from '../fold.ts';
import { may } from '../nouns/permission.ts';
import { beganBefore, isRootUnseen, UNSEEN_ROOT, type Thread } from '../nouns/thread.ts';
import * as store from '../store.ts';
import { Composer } from './composer.tsx';
import { Message } from './message.tsx';
import { Pending } from './pending.tsx';
import { usePicked } from './picked.ts';

/** As close to the end as this counts as being there, in pixels. */
const END_PX = 48;

interface Props {
  chat: Chat;
  state: store.State;
  conversation: store.Conversation;
  thread: Thread;
}

export function ThreadPane({ chat, state, conversation, thread }: Props) {
  const { id } = conversation;
  const { root, before } = thread;
  const first = store.firstSeq(state, id);
  const entries = thread.entries.filter(entry => entry.seq >= first && !state.hidden.messages.has(entry.id));
  const isUnseen = isRootUnseen(thread, entries);
  const isBefore = beganBefore(thread, conversation, state.hidden, first, state.me);
  const place = `${id}/${root}`;
  const picked = usePicked(chat, place);
  const list = useRef<HTMLDivElement>(null);
  const pane = useRef<HTMLElement>(null);
  const atEnd = useRef(true);
  const sending = conversation.outbox.filter(message => message.thread === root);

  useLayoutEffect(() => {
    const element = list.current;
    if (element && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [entries.length, sending.length]);

  // Whoever goes back goes to where they came from.
  useEffect(() => {
    const from = document.activeElement;
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus();
    };
  }, []);

  // The field goes once it is known that nothing is taken, and the focus with it: keys go on in the pane.
  useLayoutEffect(() => {
    if (isBefore && document.activeElement === document.body) list.current?.focus({ preventScroll: true });
  }, [isBefore]);

  const close = (): void => chat.threads.close(id);

  return (
    <aside
      ref={pane}
      class="thread"
      aria-label="Thread"
      onKeyDown={event => event.key === 'Escape' && !event.defaultPrevented && close()}
    >
      <header>
        <h2>Thread</h2>
        {thread.following !== null && (
          <button
            class="small"
            type="button"
            aria-pressed={thread.following}
            onClick={() => void chat.threads.follow(id, root, !thread.following).catch(() => undefined)}
          >
            {thread.following ? 'Following' : 'Follow'}
          </button>
        )}
        <button class="small" type="button" onClick={close}>
          Close
        </button>
      </header>
      <div
        ref={list}
        class="messages"
        role="log"
        aria-live="off"
        aria-label="Messages of the thread"
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          atEnd.current = scrollHeight - scrollTop - clientHeight < END_PX;
          chat.threads.viewing(atEnd.current);
        }}
      >
        <p class="beginning quiet">
          {thread.state === 'loading' && 'Loading…'}
          {thread.state === 'failed' && 'The thread could not be loaded.'}
          {thread.state !== 'loading' && (thread.state === 'failed' || before !== null) && (
            <button class="link" type="button" onClick={() => void chat.threads.more(id)}>
              {thread.state === 'failed' ? 'Try again' : 'Load older replies'}
            </button>
          )}
        </p>
        {isUnseen && <p class="happening quiet">{UNSEEN_ROOT}</p>}
        <ol>{entries.map(entry => row(chat, state, conversation, entries, entry))}</ol>
        <ol class="pending">
          {sending.map(message => (
            <Pending
              key={message.id}
              chat={chat}
              conversation={id}
              known={state}
              message={message}
              answered={undefined}
              onRetry={() => chat.outbox.retry(id, message)}
              onCancel={() => chat.outbox.cancel(id, message.id)}
            />
          ))}
        </ol>
      </div>
      {may('thread', conversation, state) && !isBefore && (
        <Composer
          chat={chat}
          known={state}
          conversation={conversation}
          title="the thread"
          picked={picked}
          place={place}
          thread={root}
        />
      )}
    </aside>
  );
}

function row(
  chat: Chat,
  state: store.State,
  conversation: store.Conversation,
  entries: readonly MessageEntry[],
  entry: MessageEntry,
) {
  const { id, editing, log, lastSeq } = conversation;
  const own = pending(conversation.changes, log, lastSeq).filter(change => change.message === entry.id);
  const mine = entry.sender === state.me;
  return (
    <Message
      key={entry.id}
      chat={chat}
      conversation={id}
      me={state.me}
      people={state.people}
      limits={state.limits}
      message={own.length > 0 ? wanted(entry, own, state.me) : entry}
      mine={mine}
      together={false}
      receipt="sent"
      changing={own.some(({ kind, reason }) => kind !== 'react' && reason === undefined)}
      failed={own.find(({ reason }) => reason !== undefined)}
      editing={editing === entry.id}
      answered={entries.find(other => other.id === entry.replyTo)}
      replies={0}
      inThread
      reacts={may('react', conversation, state)}
      unreacts={may('unreact', conversation, state)}
      found={false}
      stop={entry === entries.at(-1)}
    />
  );
}
