// The conversation that is shown: its header, its messages, and where to write.
import { useState } from 'preact/hooks';
import { pinsLack, threadsLack } from '../behind.ts';
import type { Chat } from '../chat.ts';
import { apart, otherIn } from '../nouns/direct.ts';
import { may } from '../nouns/permission.ts';
import * as store from '../store.ts';
import { Avatar } from './avatar.tsx';
import { Composer } from './composer.tsx';
import { useBlocking } from './contacts/block.tsx';
import { ProblemLine } from './doing.tsx';
import { Face } from './face.tsx';
import { AboutIcon, PinIcon, SearchIcon, ThreadIcon } from './icons.tsx';
import { Messages } from './messages.tsx';
import { OwnMarksMenu } from './own-marks.tsx';
import { filesOf, hasFiles, usePicked } from './picked.ts';
import { Pins } from './pins.tsx';
import { seenText } from './seen.ts';
import { ThreadsList } from './threads.tsx';

interface Props {
  chat: Chat;
  state: store.State;
  conversation: store.Conversation;
  onSearch(): void;
}

export function ConversationView({ chat, state, conversation, onSearch }: Props) {
  const title = store.titleOf(state, conversation);
  const { unreadThreads } = conversation;
  const other = otherIn(state, conversation);
  const between = apart(state, conversation);
  const [pins, setPins] = useState(false);
  const [threads, setThreads] = useState(false);
  const [problem, setProblem] = useState('');
  const picked = usePicked(chat, conversation.id);
  const takesFiles = may('attach', conversation, state) && may('write', conversation, state);
  const [dragged, drop] = useDrop(takesFiles ? picked.add : null);
  return (
    <main class="conversation" aria-label={title} {...drop}>
      <header>
        <a class="back" href="#" aria-label="Back to the conversations">
          ←
        </a>
        {other === undefined ? (
          <Avatar id={conversation.id} name={title} />
        ) : (
          <Face chat={chat} user={other} name={title} seen={store.otherSeen(state, conversation)} />
        )}
        <div>
          <h2>{title}</h2>
          <p class="quiet">{subtitle(state, conversation)}</p>
        </div>
        <button
          class="quiet-button narrow-only"
          type="button"
          aria-label="Search"
          title="Search"
          onClick={onSearch}
        >
          <SearchIcon />
        </button>
        <button
          class="pins quiet-button"
          type="button"
          aria-label="Pinned messages"
          title="Pinned messages"
          onClick={() => setPins(true)}
        >
          <PinIcon />
        </button>
        {conversation.kind === 'group' && (
          <button
            class="quiet-button"
            type="button"
            aria-label={unreadThreads > 0 ? `Threads: ${unreadThreads} with new replies` : 'Threads'}
            title="Threads"
            onClick={() => setThreads(true)}
          >
            <ThreadIcon />
            {unreadThreads > 0 && <span class="badge dot" />}
          </button>
        )}
        {other !== undefined && (
          <button
            class="quiet-button"
            type="button"
            aria-label={`About ${title}`}
            title={`About ${title}`}
            aria-expanded={state.person === other}
            onClick={() => chat.showPerson(state.person === other ? null : other)}
          >
            <AboutIcon />
          </button>
        )}
        {conversation.kind === 'group' && conversation.joined && (
          <button
            class="quiet-button"
            type="button"
            aria-label="About this group"
            title="About this group"
            aria-expanded={conversation.governed !== null}
            onClick={() =>
              conversation.governed
                ? chat.governing.close(conversation.id)
                : void chat.governing.open(conversation.id)
            }
          >
            <AboutIcon />
          </button>
        )}
        {conversation.joined && (
          <OwnMarksMenu chat={chat} state={state} conversation={conversation} onOutcome={setProblem} />
        )}
      </header>
      {threads && (
        <ThreadsList
          load={() => chat.threads.list(conversation.id)}
          lacks={list =>
            threadsLack(list, chat.state.conversations.get(conversation.id) ?? conversation, chat.state)
          }
          onChoose={({ root }) => void chat.threads.open(conversation.id, root)}
          onClose={() => setThreads(false)}
        />
      )}
      <p class="problem" role="alert">
        {problem}
      </p>
      {pins && (
        <Pins
          load={() => chat.pins(conversation.id)}
          lacks={list => pinsLack(list, chat.state.conversations.get(conversation.id) ?? conversation)}
          onChoose={({ seq }) => chat.goTo(conversation.id, seq)}
          onClose={() => setPins(false)}
        />
      )}
      <Messages chat={chat} state={state} conversation={conversation} />
      <p class="typing" role="status" data-typing={conversation.typing.size}>
        {typingText(state, conversation)}
      </p>
      {between === 'deleted' ? (
        <p class="composer quiet">This account is deleted.</p>
      ) : between === 'blocked' && other !== undefined ? (
        <Blocked chat={chat} state={state} user={other} />
      ) : may('write', conversation, state) ? (
        <Composer chat={chat} known={state} conversation={conversation} title={title} picked={picked} />
      ) : (
        <p class="composer quiet">
          {conversation.joined
            ? 'Only owners and admins write here.'
            : 'You are no longer a member of this conversation.'}
        </p>
      )}
      {dragged && <p class="drop">Drop files to send them to {title}</p>}
    </main>
  );
}

/** In the place where one would write to somebody whom one blocks. */
function Blocked({ chat, state, user }: { chat: Chat; state: store.State; user: string }) {
  const blocking = useBlocking(chat, state, user);
  return (
    <div class="composer quiet">
      <p>
        You block {store.personName(state, user)}.{' '}
        <button class="link" type="button" aria-disabled={blocking.doing.busy} onClick={blocking.unblock}>
          Unblock
        </button>
      </p>
      <ProblemLine of={blocking.doing} />
    </div>
  );
}

/** Takes files that are dropped, if there is somebody to take them. Answers whether some are dragged over it. */
function useDrop(take: ((files: File[]) => void) | null) {
  const [dragged, setDragged] = useState(false);
  const handlers = {
    onDragOver(event: DragEvent): void {
      if (!hasFiles(event.dataTransfer)) return;
      // Else the browser would open them in place of the page.
      event.preventDefault();
      setDragged(take !== null);
    },
    onDragLeave(event: DragEvent): void {
      const { currentTarget, relatedTarget } = event;
      const inside = currentTarget instanceof Node && currentTarget.contains(relatedTarget as Node | null);
      if (!inside) setDragged(false);
    },
    onDrop(event: DragEvent): void {
      setDragged(false);
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      take?.(filesOf(event.dataTransfer));
    },
  };
  return [dragged, handlers] as const;
}

function subtitle(state: store.State, conversation: store.Conversation): string {
  if (conversation.kind === 'direct') {
    const other = conversation.members.find(member => member !== state.me);
    const person = other === undefined ? undefined : state.people.get(other);
    const seen = seenText(store.otherSeen(state, conversation));
    return [store.handle(person), seen].filter(Boolean).join(' · ');
  }
  const names = conversation.members.slice(0, 6).map(member => store.personName(state, member));
  const others = conversation.members.length - names.length;
  const online = state.online.get(conversation.id);
  const more = conversation.roster === 'all' ? `${others} more` : 'others';
  const list = names.join(', ') + (others > 0 ? ` and ${more}` : '');
  return online === undefined ? list : `${online} online · ${list}`;
}

function typingText(state: store.State, conversation: store.Conversation): string {
  const names = [...conversation.typing.keys()].map(user => store.personName(state, user));
  if (names.length === 0) return '';
  if (names.length > 2) return 'Several people are typing…';
  return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing…`;
}
