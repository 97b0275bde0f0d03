// One message, one that is on its way, and what happened beside messages. Whatever people wrote is never made into HTML.
import type { JSX } from 'preact';
import { memo } from 'preact/compat';
import { useRef, useState } from 'preact/hooks';
import type { TidingsEvent } from '../../protocol/frames.ts';
import type { Change } from '../change.ts';
import type { Chat } from '../chat.ts';
import { caption } from '../events.ts';
import type { MessageEntry } from '../fold.ts';
import { contentText, editable, mayEdit, mayRecall, withText } from '../nouns/message.ts';
import { mayPin } from '../nouns/pin.ts';
import * as store from '../store.ts';
import { AttachmentView, OutgoingFile } from './attachment.tsx';
import { Avatar } from './avatar.tsx';
import { Editor } from './editor.tsx';
import { sentence } from './hooks.ts';
import {
  AnswerIcon,
  EditIcon,
  HideIcon,
  PinIcon,
  ReactIcon,
  RecallIcon,
  SeenIcon,
  ThreadIcon,
  VersionsIcon,
} from './icons.tsx';
import { QuoteView } from './quote.tsx';
import { Picker, Reactions } from './reactions.tsx';
import { HideQuestion, RecallQuestion } from './recall.tsx';
import { SeenByList } from './seen-by.tsx';
import { Text } from './text.tsx';
import { clockTime } from './time.ts';
import { Versions } from './versions.tsx';

interface MessageProps {
  chat: Chat;
  /** The conversation's id. */
  conversation: string;
  me: string;
  people: store.State['people'];
  message: MessageEntry;
  mine: boolean;
  /** Whether it continues what the same person has just said. */
  together: boolean;
  /** How far it has come: read by somebody, on one of their devices, on the server. */
  receipt: 'read' | 'delivered' | 'sent';
  /** Whether a change of it has not come to the server yet. */
  changing: boolean;
  /** A change of it that failed. */
  failed: Change | undefined;
  editing: boolean;
  /** The message that it answers, where that is loaded. */
  answered: MessageEntry | undefined;
  /** How many replies hang below it in a thread. */
  replies: number;
  /** Whether it is shown in its thread. */
  inThread: boolean;
  /** Whether somebody has just come here from elsewhere. */
  found: boolean;
  /** Whether the Tab key stops at it. */
  stop: boolean;
}

export const Message = memo(function Message(props: MessageProps) {
  const { chat, conversation, me, people, message, mine, together, receipt, changing, failed } = props;
  const { editing, answered, replies, inThread, found, stop } = props;
  const known = { me, people };
  const name = store.personName(known, message.sender);
  const [active, setActive] = useState(false);
  const [panel, setPanel] = useState<'none' | 'picker' | 'recall' | 'hide' | 'versions' | 'seen'>('none');
  const row = useRef<HTMLLIElement>(null);
  const neighbour = useRef<Element | null>(null);
  const { content } = message;

  const react = (emoji: string, on: boolean): void => chat.changes.react(conversation, message.id, emoji, on);
  const openThread = (): void => void chat.threads.open(conversation, message.thread ?? message.id);
  const edit = (): void => chat.editing(conversation, message.id);
  function close(): void {
    setPanel('none');
    row.current?.focus();
  }
  /** What is hidden is gone soon, and the focus with it. */
  function closeAside(): void {
    close();
    if (neighbour.current instanceof HTMLElement) neighbour.current.focus();
  }
  function pick(emoji: string): void {
    react(emoji, true);
    close();
  }
  function save(text: string): void {
    chat.editing(conversation, null);
    if (content && text !== editable(content)) {
      chat.changes.edit(conversation, message.id, withText(content, text));
    }
  }

  /** What can be done with it now, in the order of the buttons. */
  const acts = active && !editing ? actsFor(chat, conversation, message, inThread) : [];
  const act: Record<Act, () => void> = {
    answer: () => chat.answer(conversation, message.id),
    thread: openThread,
    react: () => setPanel(panel === 'picker' ? 'none' : 'picker'),
    edit,
    pin: () => chat.changes.pin(conversation, message.id, !message.pinned),
    versions: () => setPanel('versions'),
    seen: () => setPanel('seen'),
    recall: () => setPanel('recall'),
    hide: () => setPanel('hide'),
  };
  const [problem, setProblem] = useState('');
  const hide = (): void => {
    const { nextElementSibling: next, previousElementSibling: before } = row.current ?? {};
    const beside = [next, before].find(other => other?.matches('.message'));
    neighbour.current = beside ?? row.current?.closest('.messages') ?? null;
    void chat.hiding.hide(conversation, message.id).catch((error: unknown) => setProblem(sentence(error)));
  };

  function pressed(event: KeyboardEvent): void {
    if (event.target !== row.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const wanted = acts.find(which => TOOLS[which].key === event.key);
    if (wanted) {
      event.preventDefault();
      act[wanted]();
    }
  }

  const classes = [
    'message',
    mine && 'mine',
    together && 'together',
    !content && 'recalled',
    found && 'found',
  ];
  return (
    <li
      ref={row}
      class={classes.filter(Boolean).join(' ')}
      data-seq={message.seq}
      data-changing={changing || undefined}
      tabIndex={stop ? 0 : -1}
      aria-label={`${name}: ${contentText(content)}`}
      onMouseEnter={() => setActive(true)}
      onMouseLeave={() => setActive(row.current?.contains(document.activeElement) ?? false)}
      onFocusIn={() => setActive(true)}
      onFocusOut={event => setActive(row.current?.contains(event.relatedTarget as Node | null) ?? false)}
      onKeyDown={pressed}
    >
      {!mine && !together && <Avatar id={message.sender} name={name} />}
      <div class="bubble">
        {!together && <span class={mine ? 'visually-hidden' : 'name'}>{name}</span>}
        {message.replyTo !== null && (
          <QuoteView
            chat={chat}
            known={known}
            conversation={conversation}
            message={message.replyTo}
            entry={answered}
          />
        )}
        {editing && content ? (
          <Editor
            text={failed?.kind === 'edit' ? editable(failed.content) : editable(content)}
            optional={content.kind !== 'text'}
            bytesMax={chat.state.limits.textBytes}
            onSave={save}
            onCancel={() => chat.editing(conversation, null)}
          />
        ) : (
          <Said chat={chat} known={known} conversation={conversation} message={message} />
        )}
        <span class="meta">
          {message.pinned && <span class="pinned">pinned</span>}{' '}
          {message.editedAt && (
            <button class="link" type="button" onClick={() => setPanel('versions')}>
              edited
            </button>
          )}{' '}
          <time dateTime={message.at}>{clockTime(message.at)}</time>
          {mine && (
            <span
              class={`mark ${receipt}`}
              title={RECEIPTS[receipt]}
              role="img"
              aria-label={RECEIPTS[receipt]}
            >
              {changing ? '…' : receipt === 'sent' ? '✓' : '✓✓'}
            </span>
          )}
        </span>
        {acts.length > 0 && (
          <div class="tools" role="toolbar" aria-label="What to do with this message">
            {acts.map(which => {
              const label = which === 'pin' && message.pinned ? 'Unpin' : TOOLS[which].label;
              return (
                <button
                  key={which}
                  type="button"
                  aria-label={label}
                  aria-keyshortcuts={TOOLS[which].key}
                  title={`${label} (${TOOLS[which].key})`}
                  aria-expanded={which === 'react' ? panel === 'picker' : undefined}
                  onClick={act[which]}
                >
                  {TOOLS[which].icon()}
                </button>
              );
            })}
          </div>
        )}
        {message.thread !== null && !inThread && (
          <button class="link replies" type="button" onClick={openThread}>
            In a thread
          </button>
        )}
        {replies > 0 && !inThread && (
          <button class="link replies" type="button" onClick={openThread}>
            {replies === 1 ? '1 reply' : `${replies} replies`}
          </button>
        )}
        <Reactions message={message} known={known} onToggle={react} />
        {panel === 'picker' && (
          <Picker bytesMax={chat.state.limits.emojiBytes} onPick={pick} onClose={close} />
        )}
        {problem !== '' && (
          <p class="problem" role="alert">
            Not hidden: {problem}
          </p>
        )}
        {failed && !editing && (
          <p class="problem" role="alert">
            {FAILURES[failed.kind]}: {failed.reason}{' '}
            {failed.kind === 'edit' && (
              <button class="link" type="button" onClick={edit}>
                Edit again
              </button>
            )}
            <button class="link" type="button" onClick={() => chat.changes.forget(conversation, failed.id)}>
              Dismiss
            </button>
          </p>
        )}
      </div>
      {panel === 'recall' && (
        <RecallQuestion
          text={contentText(content)}
          onYes={() => chat.changes.recall(conversation, message.id)}
          onClose={close}
        />
      )}
      {panel === 'hide' && <HideQuestion text={contentText(content)} onYes={hide} onClose={closeAside} />}
      {panel === 'seen' && (
        <SeenByList load={() => chat.receipts.seenBy(conversation, message.id)} onClose={close} />
      )}
      {panel === 'versions' && (
        <Versions load={() => chat.versions(conversation, message.id)} onClose={close} />
      )}
    </li>
  );
});

/** What a message says: a text, or a file with its caption. */
function Said({
  chat,
  known,
  conversation,
  message,
}: Pick<MessageProps, 'chat' | 'conversation' | 'message'> & { known: store.Known }) {
  const { id, content, mentions } = message;
  if (!content || content.kind === 'text') {
    return <Text text={contentText(content)} mentions={mentions} known={known} />;
  }
  const { kind, caption } = content;
  return (
    <>
      <AttachmentView chat={chat} conversation={conversation} message={id} kind={kind} caption={caption} />
      {caption !== undefined && <Text text={caption} mentions={mentions} known={known} />}
    </>
  );
}

const RECEIPTS = { read: 'Read', delivered: 'Delivered', sent: 'Sent' };

type Act = 'answer' | 'thread' | 'react' | 'pin' | 'edit' | 'versions' | 'seen' | 'recall' | 'hide';

/** The key does it with the message that has the focus. */
const TOOLS: Record<Act, { label: string; key: string; icon: () => JSX.Element }> = {
  answer: { label: 'Reply', key: 'a', icon: AnswerIcon },
  thread: { label: 'Reply in a thread', key: 't', icon: ThreadIcon },
  react: { label: 'React', key: 'r', icon: ReactIcon },
  pin: { label: 'Pin', key: 'p', icon: PinIcon },
  edit: { label: 'Edit', key: 'e', icon: EditIcon },
  versions: { label: 'What it said before', key: 'h', icon: VersionsIcon },
  seen: { label: 'Seen by', key: 's', icon: SeenIcon },
  recall: { label: 'Recall', key: 'Delete', icon: RecallIcon },
  hide: { label: 'Hide from me', key: 'x', icon: HideIcon },
};

const FAILURES: Record<Change['kind'], string> = {
  react: 'Not reacted',
  pin: 'Not pinned',
  edit: 'Not edited',
  recall: 'Not recalled',
};

function actsFor(chat: Chat, id: string, message: MessageEntry, inThread: boolean): Act[] {
  const { me, limits, conversations } = chat.state;
  const conversation = conversations.get(id);
  if (!conversation?.joined) return [];
  const threaded = conversation.kind === 'group' && !inThread;
  if (!message.content) return threaded ? ['thread', 'hide'] : ['hide'];
  const acts: Act[] = inThread ? [] : ['answer'];
  if (threaded) acts.push('thread');
  acts.push('react');
  if (mayPin(conversation, me)) acts.push('pin');
  if (mayEdit(message, conversation, me, limits, Date.now())) acts.push('edit');
  if (message.editedAt) acts.push('versions');
  if (message.sender === me) acts.push('seen');
  if (mayRecall(message, conversation, me, limits, Date.now())) acts.push('recall');
  acts.push('hide');
  return acts;
}

interface PendingProps {
  chat: Chat;
  conversation: string;
  known: store.Known;
  message: store.Outgoing;
  answered: MessageEntry | undefined;
  onRetry(): void;
  onCancel(): void;
}

export function Pending({ chat, conversation, known, message, answered, onRetry, onCancel }: PendingProps) {
  const { text, at, state, reason, replyTo } = message;
  return (
    <li class={`message mine ${state}`} data-state={state}>
      <div class="bubble">
        {replyTo !== undefined && (
          <QuoteView
            chat={chat}
            known={known}
            conversation={conversation}
            message={replyTo}
            entry={answered}
          />
        )}
        <OutgoingFile message={message} onCancel={onCancel} />
        {text !== '' && <Text text={text} />}
        <span class="meta">
          {state === 'failed' ? (
            <>
              <span class="problem" role="alert">
                Not sent: {reason}
              </span>{' '}
              <button class="link" type="button" onClick={onRetry}>
                Retry
              </button>{' '}
              <button class="link" type="button" onClick={onCancel}>
                Discard
              </button>
            </>
          ) : (
            <>
              <time dateTime={at}>{clockTime(at)}</time>
              <span class="mark">{state === 'sent' ? '✓' : 'sending…'}</span>
            </>
          )}
        </span>
      </div>
    </li>
  );
}

export function Happening({ event, state }: { event: TidingsEvent; state: store.Known }) {
  const text = caption(event, user => store.personName(state, user));
  return text === '' ? null : (
    <li class="happening quiet" data-seq={event.seq}>
      {text}
    </li>
  );
}
