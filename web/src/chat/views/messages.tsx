// The messages of a conversation, oldest first. Scrolling up loads older ones, and lets go of the newest when there are many.
import { memo } from 'preact/compat';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { pending, wanted } from '../change.ts';
import type { Chat } from '../chat.ts';
import { isInMain, type Entry, type MessageEntry } from '../fold.ts';
import { isHidden } from '../nouns/hidden.ts';
import { may, type Viewer } from '../nouns/permission.ts';
import { replyCount } from '../nouns/thread.ts';
import * as store from '../store.ts';
import { isTaken } from './focus.ts';
import { Happening } from './happening.tsx';
import { Message } from './message.tsx';
import { Pending } from './pending.tsx';
import { dayName, sameDay } from './time.ts';
import { useUnread } from './unread.ts';

/** As close to the end as this counts as being there, in pixels. */
const END_PX = 48;
/** As close to the beginning as this, older messages are loaded. */
const BEGINNING_PX = 400;
/** Messages of one person within this time stand together. */
const TOGETHER_MS = 5 * 60_000;

interface Props {
  chat: Chat;
  state: Viewer & Pick<store.State, 'hidden' | 'limits'>;
  conversation: store.Conversation;
}

/** What is drawn depends on this much of a conversation, and not on who types in it. */
const DRAWN = [
  'id',
  'log',
  'outbox',
  'changes',
  'editing',
  'history',
  'unread',
  'fresh',
  'reads',
  'delivered',
  'target',
  'joined',
  'roles',
  'settings',
] as const;

const isSame = (before: Props, after: Props): boolean =>
  before.chat === after.chat &&
  before.state.me === after.state.me &&
  before.state.people === after.state.people &&
  before.state.relations === after.state.relations &&
  before.state.hidden === after.state.hidden &&
  before.state.limits === after.state.limits &&
  DRAWN.every(field => before.conversation[field] === after.conversation[field]);

export const Messages = memo(function Messages({ chat, state, conversation }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const shown = useRef({ from: 0, height: 0, pending: 0 });
  const held = useRef<{ message: HTMLElement; top: number } | null>(null);
  const [atEnd, setAtEnd] = useState(conversation.target === null);
  const [found, setFound] = useState<number | null>(null);
  const ended = useRef(true);
  ended.current = atEnd;
  const { log, outbox, history, fresh } = conversation;
  const { above, look } = useUnread(list, log, fresh);
  const { hidden } = state;
  const entries = useMemo(() => {
    const first = store.firstSeq({ hidden }, conversation.id);
    return log?.entries.filter(entry => isShown(entry) && !isHidden(entry, log, hidden, first)) ?? [];
  }, [log, hidden, conversation.id]);
  const sending = outbox.filter(isInMain);

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const before = shown.current;
    const from = log?.from ?? 0;
    const goal = conversation.target;
    if (goal && store.covers(log, goal.seq)) {
      chat.reached(conversation.id);
      reach(goal.seq);
      shown.current = { from, height: element.scrollHeight, pending: sending.length };
      hold();
      return;
    }
    // What one has just written oneself is always shown; else who reads further up stays where they are.
    if (atEnd || sending.length > before.pending) element.scrollTop = element.scrollHeight;
    else if (from !== before.from) element.scrollTop += element.scrollHeight - before.height;
    shown.current = { from, height: element.scrollHeight, pending: sending.length };
    hold();
    look();
  });

  /** Puts a place into the middle of the view, and the focus on it. It may have been loaded late. */
  function reach(seq: number): void {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('.message[data-seq]') ?? [])];
    const row = rows.find(other => Number(other.dataset['seq']) >= seq) ?? rows.at(-1);
    if (!row) return;
    row.scrollIntoView({ block: 'center' });
    if (!isTaken()) row.focus({ preventScroll: true });
    setFound(Number(row.dataset['seq']));
    scrolled();
  }

  /** Remembers what is at the top, and where. */
  function hold(): void {
    const element = list.current;
    const first = [...(element?.querySelectorAll<HTMLElement>('.message[data-seq]') ?? [])].find(
      ({ offsetTop, offsetHeight }) => offsetTop + offsetHeight > element!.scrollTop,
    );
    held.current = first ? { message: first, top: first.offsetTop } : null;
  }

  // Messages grow by themselves when their files are known: what is read stays where it is.
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      const { message, top } = held.current ?? {};
      if (ended.current) element.scrollTop = element.scrollHeight;
      else if (message?.isConnected && top !== undefined) element.scrollTop += message.offsetTop - top;
      shown.current.height = element.scrollHeight;
      hold();
    });
    for (const child of element.children) observer.observe(child);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  function scrolled(): void {
    const element = list.current;
    if (!element) return;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    const end = below < END_PX && !log?.cut;
    setAtEnd(end);
    chat.viewing(end);
    hold();
    look();
    if (history !== 'idle') return;
    if (element.scrollTop < BEGINNING_PX) void chat.loadOlder(conversation.id);
    else if (log?.cut && below < BEGINNING_PX) void chat.loadNewer(conversation.id);
  }

  /** Where a message has the focus, the arrows go to the one above or below. */
  function moved(event: KeyboardEvent): void {
    const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
    if (step === 0 || !(event.target instanceof HTMLElement) || !event.target.matches('.message')) return;
    const all = [...(list.current?.querySelectorAll<HTMLElement>('.message[data-seq]') ?? [])];
    const next = all[all.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  function toEnd(): void {
    if (log?.cut) {
      setAtEnd(true);
      chat.toNewest(conversation.id);
    }
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
  }

  return (
    <div class="messages-frame">
      {above > 0 && fresh && (
        <button class="to-unread" type="button" onClick={() => chat.goTo(conversation.id, fresh.after + 1)}>
          {above === 1 ? '1 unread message' : `${above} unread messages`} ↑
        </button>
      )}
      <div
        ref={list}
        class="messages"
        onScroll={scrolled}
        onKeyDown={moved}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="Messages"
      >
        <Beginning chat={chat} conversation={conversation} first={store.firstSeq(state, conversation.id)} />
        <ol>{rows(chat, state, conversation, entries, fresh?.after ?? null, found)}</ol>
        <ol class="pending">
          {sending.map(message => (
            <Pending
              key={message.id}
              chat={chat}
              conversation={conversation.id}
              known={state}
              message={message}
              answered={answered(entries, message.replyTo)}
              onRetry={() => chat.outbox.retry(conversation.id, message)}
              onCancel={() => chat.outbox.cancel(conversation.id, message.id)}
            />
          ))}
        </ol>
      </div>
      {!atEnd && (
        <button class="to-end" type="button" onClick={toEnd}>
          {conversation.unread > 0 ? `${conversation.unread} new ↓` : 'Newest ↓'}
        </button>
      )}
    </div>
  );
}, isSame);

/** What stands above the oldest message shown. It is always as high, so that messages do not move when it changes. */
function Beginning({
  chat,
  conversation,
  first,
}: {
  chat: Chat;
  conversation: store.Conversation;
  first: number;
}) {
  const { history, log } = conversation;
  // Where somebody wanted to see a place, that is what could not be loaded.
  const load = (): void =>
    conversation.target
      ? chat.goTo(conversation.id, conversation.target.seq)
      : void chat.loadOlder(conversation.id);
  let text = '';
  let action = '';
  if (history === 'loading') text = 'Loading…';
  else if (history === 'failed') [text, action] = ['Older messages could not be loaded.', 'Try again'];
  else if (history === 'closed') text = '';
  else if (log && log.from > first) action = 'Load older messages';
  return (
    <p class="beginning quiet">
      {text}
      {action !== '' && (
        <button class="link" type="button" onClick={load}>
          {action}
        </button>
      )}
    </p>
  );
}

/** The entries, with a line before each new day and before the first unread message. */
function rows(
  chat: Chat,
  state: Viewer & Pick<store.State, 'limits' | 'hidden'>,
  conversation: store.Conversation,
  entries: readonly Entry[],
  unreadAfter: number | null,
  found: number | null,
) {
  const readBy = Math.max(0, ...conversation.reads.values());
  const deliveredTo = Math.max(readBy, ...conversation.delivered.values());
  const { id, editing } = conversation;
  const first = store.firstSeq(state, id);
  const changes = pending(conversation.changes, conversation.log, conversation.lastSeq);
  const [reacts, unreacts] = [may('react', conversation, state), may('unreact', conversation, state)];
  const lastMessage = entries.findLast(entry => entry.kind === 'message');
  const drawn = [];
  let before: Entry | undefined;
  let marked = unreadAfter === null;
  for (const entry of entries) {
    if (!before || !sameDay(before.at, entry.at)) {
      drawn.push(
        <li key={`day-${entry.seq}`} class="line">
          <span>{dayName(entry.at)}</span>
        </li>,
      );
      before = undefined;
    }
    if (!marked && unreadAfter !== null && entry.seq > unreadAfter && entry.kind === 'message') {
      marked = true;
      if (entry.sender !== chat.state.me) {
        drawn.push(
          <li key="unread" class="line unread">
            <span>New</span>
          </li>,
        );
      }
      before = undefined;
    }
    if (entry.kind === 'happening') {
      drawn.push(<Happening key={entry.seq} event={entry.event} state={state} />);
    } else {
      const mine = entry.sender === state.me;
      const own = changes.filter(change => change.message === entry.id);
      drawn.push(
        <Message
          key={entry.id}
          chat={chat}
          conversation={id}
          me={state.me}
          people={state.people}
          limits={state.limits}
          message={own.length > 0 ? wanted(entry, own, state.me) : entry}
          mine={mine}
          together={follows(before, entry)}
          receipt={readBy >= entry.seq ? 'read' : deliveredTo >= entry.seq ? 'delivered' : 'sent'}
          changing={own.some(({ kind, reason }) => kind !== 'react' && reason === undefined)}
          failed={own.find(({ reason }) => reason !== undefined)}
          editing={editing === entry.id}
          answered={answered(entries, entry.replyTo)}
          replies={replyCount(entry, conversation.log, state.hidden, first)}
          inThread={false}
          reacts={reacts}
          unreacts={unreacts}
          found={found === entry.seq}
          stop={entry === lastMessage}
        />,
      );
    }
    before = entry;
  }
  return drawn;
}

/** What stands in threads alone is shown there. */
const isShown = (entry: Entry): boolean => entry.kind !== 'message' || isInMain(entry);

/** The message that another one answers, where it is loaded. Most answer what was said shortly before. */
function answered(entries: readonly Entry[], id: string | null | undefined): MessageEntry | undefined {
  if (id === null || id === undefined) return undefined;
  const entry = entries.findLast(other => other.kind === 'message' && other.id === id);
  return entry?.kind === 'message' ? entry : undefined;
}

function follows(before: Entry | undefined, entry: Entry): boolean {
  return (
    before?.kind === 'message' &&
    entry.kind === 'message' &&
    before.sender === entry.sender &&
    Date.parse(entry.at) - Date.parse(before.at) < TOGETHER_MS
  );
}
