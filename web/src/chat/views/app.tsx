// The whole page: signing in, or the chat of who is signed in.
import { useEffect, useRef, useState } from 'preact/hooks';
import { storedLogin, type Login } from '../../shared/session.ts';
import { Chat } from '../chat.ts';
import type { Way } from '../joining.ts';
import type { Hit } from '../queries.ts';
import { unreadTotal, useChat } from './hooks.ts';
import { ContactsPanel } from './contacts/panel.tsx';
import { ConversationView } from './conversation.tsx';
import { GroupPane } from './group/pane.tsx';
import { Join } from './join.tsx';
import { Announcements } from './notices/announcements.tsx';
import { NoticesPanel } from './notices/panel.tsx';
import { PersonPane } from './person.tsx';
import { Search } from './search.tsx';
import { SessionsPanel } from './sessions/panel.tsx';
import { Sidebar, type PanelName } from './sidebar.tsx';
import { SignIn } from './sign-in.tsx';
import { ThreadPane } from './thread.tsx';
import { useWay } from './way.ts';
import { YouPanel } from './you/panel.tsx';

/** The style sheet shows one thing at a time on such screens. */
const NARROW = '(max-width: 46rem)';

export function App() {
  const [login, setLogin] = useState<Login | null>(storedLogin);
  const [notice, setNotice] = useState('');
  const [chat, setChat] = useState<Chat | null>(null);
  const [way, endWay] = useWay(chat);

  useEffect(() => {
    if (!login) return;
    const begun = new Chat(login, reason => {
      setNotice(reason);
      setLogin(null);
    });
    setChat(begun);
    return () => {
      begun.close();
      setChat(null);
    };
  }, [login]);

  if (!login) return <SignIn notice={notice} onSignedIn={setLogin} />;
  return chat && <Shell chat={chat} username={login.username} way={way} onWayEnded={endWay} />;
}

interface ShellProps {
  chat: Chat;
  username: string;
  /** The way into a group by which somebody has come. */
  way: Way | null;
  onWayEnded(way: Way, conversation: string | null): void;
}

/** The list of conversations beside the one that is shown. On a narrow screen, only one of both is there. */
function Shell({ chat, username, way, onWayEnded }: ShellProps) {
  const state = useChat(chat);
  const shown = state.selected === null ? undefined : state.conversations.get(state.selected);

  const searchButton = useRef<HTMLButtonElement>(null);
  const [panel, setPanel] = useState<PanelName | null>(null);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== 'k' || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      event.preventDefault();
      setPanel('search');
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  function choose({ conversation, seq, thread }: Hit): void {
    if (thread === null) chat.goTo(conversation, seq);
    else {
      chat.select(conversation);
      void chat.threads.open(conversation, thread);
    }
    location.hash = conversation;
    // On a narrow screen there is room for one of both.
    if (matchMedia(NARROW).matches) setPanel(null);
  }
  function close(): void {
    setPanel(null);
    if (panel === 'search') searchButton.current?.focus();
  }
  function opened(conversation: string): void {
    location.hash = conversation;
    if (matchMedia(NARROW).matches) setPanel(null);
  }

  const unread = unreadTotal(state, chat.now());
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Tidings` : 'Tidings';
  }, [unread]);

  // There is room for one thing beside a conversation.
  const person = shown ? state.person : null;
  const governed = person === null && shown?.joined ? shown.governed : null;
  const thread = person === null && !governed ? shown?.thread : null;
  const classes = [
    'shell',
    shown && 'shows-conversation',
    (person !== null || thread || governed) && 'shows-aside',
    panel && 'shows-panel',
  ];
  return (
    <div class={classes.filter(Boolean).join(' ')}>
      <Sidebar
        chat={chat}
        state={state}
        username={username}
        searchButton={searchButton}
        onPanel={name => setPanel(name === panel ? null : name)}
        panel={
          panel === 'search' ? (
            <Search chat={chat} state={state} within={shown} onChoose={choose} onClose={close} />
          ) : panel === 'contacts' ? (
            <ContactsPanel chat={chat} state={state} onClose={close} onOpened={opened} />
          ) : panel === 'you' ? (
            <YouPanel chat={chat} state={state} onClose={close} />
          ) : panel === 'notices' ? (
            <NoticesPanel
              chat={chat}
              state={state}
              onClose={close}
              onOpened={opened}
              onSessions={() => setPanel('sessions')}
            />
          ) : panel === 'sessions' ? (
            <SessionsPanel chat={chat} username={username} onClose={close} />
          ) : null
        }
      />
      {shown ? (
        <ConversationView
          key={shown.id}
          chat={chat}
          state={state}
          conversation={shown}
          onSearch={() => setPanel('search')}
        />
      ) : (
        <main class="nothing-shown">
          <p>{state.loaded ? 'Choose a conversation, or begin a new one.' : 'Loading your conversations…'}</p>
        </main>
      )}
      {person !== null && <PersonPane key={person} chat={chat} state={state} user={person} />}
      {shown && governed && (
        <GroupPane key={shown.id} chat={chat} state={state} conversation={shown} governed={governed} />
      )}
      {shown && thread && (
        <ThreadPane
          key={`${shown.id}/${thread.root}`}
          chat={chat}
          state={state}
          conversation={shown}
          thread={thread}
        />
      )}
      <Announcements chat={chat} state={state} />
      {way && <Join chat={chat} state={state} way={way} key={way} onClose={to => onWayEnded(way, to)} />}
      <div class="visually-hidden" role="status" aria-live="polite">
        <span key={state.announcement.number}>{state.announcement.text}</span>
      </div>
    </div>
  );
}
