// The whole page: signing in, or the chat of who is signed in.
import { useEffect, useState } from 'preact/hooks';
import { storedLogin, type Login } from '../../shared/session.ts';
import { Chat } from '../chat.ts';
import { unreadTotal, useChat } from './hooks.ts';
import { ConversationView } from './conversation.tsx';
import { Sidebar } from './sidebar.tsx';
import { SignIn } from './sign-in.tsx';

export function App() {
  const [login, setLogin] = useState<Login | null>(storedLogin);
  const [notice, setNotice] = useState('');
  const [chat, setChat] = useState<Chat | null>(null);

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
  return chat && <Shell chat={chat} username={login.username} />;
}

/** The list of conversations beside the one that is shown. On a narrow screen, only one of both is there. */
function Shell({ chat, username }: { chat: Chat; username: string }) {
  const state = useChat(chat);
  const shown = state.selected === null ? undefined : state.conversations.get(state.selected);

  useEffect(() => {
    const follow = (): void => chat.select(location.hash.slice(1) || null);
    follow();
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, [chat]);

  const unread = unreadTotal(state);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Tidings` : 'Tidings';
  }, [unread]);

  return (
    <div class={shown ? 'shell shows-conversation' : 'shell'}>
      <Sidebar chat={chat} state={state} username={username} />
      {shown ? (
        <ConversationView key={shown.id} chat={chat} state={state} conversation={shown} />
      ) : (
        <main class="nothing-shown">
          <p>{state.loaded ? 'Choose a conversation, or begin a new one.' : 'Loading your conversations…'}</p>
        </main>
      )}
      <div class="visually-hidden" role="status" aria-live="polite">
        <span key={state.announcement.number}>{state.announcement.text}</span>
      </div>
    </div>
  );
}
