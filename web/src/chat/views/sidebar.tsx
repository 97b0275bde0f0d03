// The list of conversations, who is signed in, and how the connection is.
import type { ComponentChildren, Ref } from 'preact';
import { memo } from 'preact/compat';
import { useRef, useState } from 'preact/hooks';
import type { Seen } from '../../protocol/frames.ts';
import type { Link } from '../../protocol/socket.ts';
import type { Chat } from '../chat.ts';
import { those } from '../nouns/contact.ts';
import { otherIn } from '../nouns/direct.ts';
import { isMuted } from '../nouns/mark.ts';
import { outgoingText } from '../outbox.ts';
import * as store from '../store.ts';
import { Avatar } from './avatar.tsx';
import { Face } from './face.tsx';
import { useRefuge } from './focus.ts';
import { useNow } from './hooks.ts';
import { MutedIcon, NoticesIcon, PeopleIcon, SearchIcon } from './icons.tsx';
import { Invitations } from './invitations.tsx';
import { NewConversation } from './new-conversation.tsx';
import { shortTime } from './time.ts';
import { YouMenu } from './you/menu.tsx';

/** What is shown in the place of the list of conversations. */
export type PanelName = 'search' | 'contacts' | 'notices' | 'you' | 'sessions';

interface Props {
  chat: Chat;
  state: store.State;
  username: string;
  searchButton: Ref<HTMLButtonElement>;
  /** Somebody wants to see something in the place of the list, or the list again. */
  onPanel(name: PanelName): void;
  /** What is shown in the place of the list. */
  panel: ComponentChildren;
}

export function Sidebar({ chat, state, username, searchButton, onPanel, panel }: Props) {
  const [beginning, setBeginning] = useState(false);
  const element = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useRefuge(element, heading);
  const { known, told } = state.notices;
  const news = known ? told.filter(({ read }) => !read).length : 0;
  const asking = those(state.relations, 'asks').length;
  const conversations = store.listed(state);
  const [away, here] = [true, false].map(archived =>
    conversations.filter(conversation => conversation.marks.archived === archived),
  ) as [store.Conversation[], store.Conversation[]];
  const item = (conversation: store.Conversation) => (
    <Item
      key={conversation.id}
      chat={chat}
      other={otherIn(state, conversation)}
      conversation={conversation}
      face={store.faceOf(state, conversation)}
      seen={store.otherSeen(state, conversation)}
      title={store.titleOf(state, conversation)}
      preview={preview(state, conversation, chat.drafts.text(conversation.id))}
      selected={conversation.id === state.selected}
    />
  );
  return (
    <aside ref={element} class="sidebar" aria-label="Conversations">
      <header>
        <h1 ref={heading}>Tidings</h1>
        <button
          ref={searchButton}
          class="quiet-button"
          type="button"
          aria-label="Search"
          aria-keyshortcuts="Control+K"
          title="Search (Ctrl+K)"
          onClick={() => onPanel('search')}
        >
          <SearchIcon />
        </button>
        <button
          class="quiet-button"
          type="button"
          aria-label={asking === 0 ? 'Contacts' : `Contacts: ${asking} ${asking === 1 ? 'asks' : 'ask'} you`}
          title="Contacts"
          onClick={() => onPanel('contacts')}
        >
          <PeopleIcon />
          {asking > 0 && <span class="badge dot" />}
        </button>
        <button
          class="quiet-button"
          type="button"
          aria-label={news === 0 ? 'Notices' : `Notices: ${news} new`}
          title="Notices"
          onClick={() => onPanel('notices')}
        >
          <NoticesIcon />
          {news > 0 && <span class="badge dot" />}
        </button>
        <button class="primary small" type="button" onClick={() => setBeginning(true)}>
          New
        </button>
      </header>
      {panel}
      {!panel && <Invitations chat={chat} state={state} />}
      <nav aria-label="Conversations" hidden={Boolean(panel)}>
        {state.loaded && conversations.length === 0 && (
          <p class="quiet empty">Nothing here yet. Begin with “New” and somebody’s username.</p>
        )}
        <ul>{here.map(item)}</ul>
        {away.length > 0 && (
          <details class="archive">
            <summary>Archive ({away.length})</summary>
            <ul>{away.map(item)}</ul>
          </details>
        )}
      </nav>
      {/* Below the list, which would else move away under the pointer when it comes or goes. */}
      <LinkState link={state.link} />
      <footer>
        <YouMenu chat={chat} state={state} username={username} onPanel={onPanel} />
        <button class="link" type="button" onClick={() => void chat.signOut()}>
          Sign out
        </button>
      </footer>
      {beginning && <NewConversation chat={chat} onClose={() => setBeginning(false)} />}
    </aside>
  );
}

interface ItemProps {
  chat: Chat;
  /** The other of a direct conversation. */
  other: string | undefined;
  conversation: store.Conversation;
  face: string;
  /** How the other of a direct conversation is there. */
  seen: Seen | undefined;
  title: string;
  preview: string;
  selected: boolean;
}

const Item = memo(function Item(props: ItemProps) {
  const { chat, other, conversation, face, seen, title, preview, selected } = props;
  const { id, unread, mentioned, marks, unreadThreads, lastAt } = conversation;
  const muted = isMuted(marks, chat.now());
  const count = unread > 99 ? '99+' : String(unread);
  return (
    <li>
      <a
        href={`#${id}`}
        class={unread > 0 || marks.unread ? 'item unread' : 'item'}
        data-muted={muted || undefined}
        aria-current={selected ? 'page' : undefined}
      >
        {other === undefined ? (
          <Avatar id={face} name={title} />
        ) : (
          <Face chat={chat} user={other} name={title} seen={seen} />
        )}
        <span class="item-title">
          {title}
          {muted && (
            <span class="muted" role="img" aria-label="muted">
              <MutedIcon />
            </span>
          )}
        </span>
        <time class="quiet" dateTime={lastAt}>
          {shortTime(lastAt)}
        </time>
        <span class="item-preview">{preview}</span>
        {unread === 0 && (marks.unread || unreadThreads > 0) && (
          <span class="badges">
            <span
              class="badge dot"
              role="img"
              aria-label={marks.unread ? 'marked as unread' : 'new replies in threads'}
            />
          </span>
        )}
        {unread > 0 && (
          <span class="badges">
            {mentioned > 0 && (
              <span
                class="badge"
                role="img"
                aria-label={`${mentioned} ${mentioned === 1 ? 'mentions' : 'mention'} you`}
              >
                @
              </span>
            )}
            <span class="badge" role="img" aria-label={`${unread} unread`}>
              {count}
            </span>
          </span>
        )}
      </a>
    </li>
  );
});

function preview(state: store.State, conversation: store.Conversation, draft: string): string {
  if (conversation.typing.size > 0) return 'typing…';
  const pending = conversation.outbox.at(-1);
  if (pending) return `You: ${outgoingText(pending)}`;
  // Where one writes, it is in view.
  if (draft.trim() !== '' && conversation.id !== state.selected) return `Draft: ${draft}`;
  if (!conversation.preview) return conversation.kind === 'group' ? 'New group' : 'No messages yet';
  const { sender, text } = conversation.preview;
  if (conversation.kind === 'direct' && sender !== state.me) return text;
  return `${store.personName(state, sender)}: ${text}`;
}

/** Says how the connection is; nothing where all is well. */
function LinkState({ link }: { link: Link }) {
  const now = useNow(link.kind === 'waiting');
  const texts = {
    connecting: 'Connecting…',
    'catching-up': 'Catching up…',
    online: '',
    waiting: '',
    ended: '',
  };
  let text = texts[link.kind];
  if (link.kind === 'ended') text = link.reason;
  if (link.kind === 'waiting') {
    const seconds = Math.ceil((link.until - now) / 1_000);
    text = seconds > 0 ? `No connection. Trying again in ${seconds} s` : 'No connection. Trying again…';
  }
  return (
    <p class={`link-state ${link.kind}`} data-link={link.kind} role="status" aria-live="off">
      {text}
    </p>
  );
}
