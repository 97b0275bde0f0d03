// One message, and what can be done with it. Whatever people wrote is never made into HTML.
import { memo } from 'preact/compat';
import { useRef, useState } from 'preact/hooks';
import { readersLack, versionsLack } from '../behind.ts';
import type { Change } from '../change.ts';
import type { Chat } from '../chat.ts';
import type { MessageEntry } from '../fold.ts';
import { contentText, editable, messageText, withText } from '../nouns/message.ts';
import * as store from '../store.ts';
import { Editor } from './editor.tsx';
import { Face } from './face.tsx';
import { ForwardTo } from './forward.tsx';
import { sentence } from './hooks.ts';
import { QuoteView } from './quote.tsx';
import { Picker, Reactions } from './reactions.tsx';
import { HideQuestion, RecallQuestion } from './recall.tsx';
import { ReportQuestion } from './report.tsx';
import { Said } from './said.tsx';
import { SeenByList } from './seen-by.tsx';
import { clockTime } from './time.ts';
import { actsFor, Tools, TOOLS, type Act } from './tools.tsx';
import { Versions } from './versions.tsx';

interface MessageProps {
  chat: Chat;
  /** The conversation's id. */
  conversation: string;
  me: string;
  people: store.State['people'];
  limits: store.Limits;
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
  /** Whether this person may react here, and take back what they have reacted with. */
  reacts: boolean;
  unreacts: boolean;
  /** Whether somebody has just come here from elsewhere. */
  found: boolean;
  /** Whether the Tab key stops at it. */
  stop: boolean;
}

export const Message = memo(function Message(props: MessageProps) {
  const { chat, conversation, me, people, limits, message, mine, together, receipt, changing } = props;
  const { failed, editing, answered, replies, inThread, reacts, unreacts, found, stop } = props;
  const known = { me, people };
  const name = store.personName(known, message.sender);
  const [active, setActive] = useState(false);
  const [panel, setPanel] = useState<
    'none' | 'picker' | 'recall' | 'hide' | 'versions' | 'seen' | 'forward' | 'report'
  >('none');
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
    forward: () => setPanel('forward'),
    versions: () => setPanel('versions'),
    seen: () => setPanel('seen'),
    recall: () => setPanel('recall'),
    hide: () => setPanel('hide'),
    report: () => setPanel('report'),
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
      aria-label={`${name}: ${messageText(message)}`}
      onMouseEnter={() => setActive(true)}
      onMouseLeave={() => setActive(row.current?.contains(document.activeElement) ?? false)}
      onFocusIn={() => setActive(true)}
      onFocusOut={event => setActive(row.current?.contains(event.relatedTarget as Node | null) ?? false)}
      onKeyDown={pressed}
    >
      {!mine && !together && <Face chat={chat} user={message.sender} name={name} />}
      <div class="bubble">
        {!together && <span class={mine ? 'visually-hidden' : 'name'}>{name}</span>}
        {message.forwarded && (
          <span class="forwarded quiet">
            Forwarded, first said by {store.personName(known, message.forwarded.sender)}
          </span>
        )}
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
            bytesMax={limits.textBytes}
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
        <Tools acts={acts} does={act} pinned={message.pinned} picking={panel === 'picker'} />
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
        <Reactions
          message={message}
          known={known}
          allowed={on => (on ? reacts : unreacts)}
          onToggle={react}
        />
        {panel === 'picker' && reacts && (
          <Picker bytesMax={limits.emojiBytes} onPick={pick} onClose={close} />
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
      {panel === 'hide' && <HideQuestion text={messageText(message)} onYes={hide} onClose={closeAside} />}
      {panel === 'report' && (
        <ReportQuestion
          text={messageText(message)}
          reasons={limits.reportReasons}
          others={limits.otherReasons}
          onReport={(reason, note) => chat.report(conversation, message.id, reason, note)}
          onClose={close}
        />
      )}
      {panel === 'forward' && (
        <ForwardTo
          chat={chat}
          text={contentText(content)}
          attached={content !== null && content.kind !== 'text'}
          onChoose={to =>
            chat.outbox.forward(to, { conversation, message: message.id }, contentText(content))
          }
          onClose={close}
        />
      )}
      {panel === 'seen' && (
        <SeenByList
          load={() => chat.receipts.seenBy(conversation, message.id)}
          lacks={seenBy => {
            const shown = chat.state.conversations.get(conversation);
            return shown !== undefined && readersLack(seenBy, message, shown);
          }}
          onClose={close}
        />
      )}
      {panel === 'versions' && (
        <Versions
          load={() => chat.versions(conversation, message.id)}
          lacks={versions => versionsLack(versions, message)}
          onClose={close}
        />
      )}
    </li>
  );
});

const RECEIPTS = { read: 'Read', delivered: 'Delivered', sent: 'Sent' };

const FAILURES: Record<Change['kind'], string> = {
  react: 'Not reacted',
  pin: 'Not pinned',
  edit: 'Not edited',
  recall: 'Not recalled',
};
