// Contacts: those there are, those who ask, those who were asked, and whom one blocks.
import { useState } from 'preact/hooks';
import type { Chat } from '../../chat.ts';
import { those } from '../../nouns/contact.ts';
import * as store from '../../store.ts';
import { ProblemLine, useDoing } from '../doing.tsx';
import { Section } from '../pane.tsx';
import { Panel } from '../panel.tsx';
import { ContactRow } from './row.tsx';

/** A request says no more than this. */
const TEXT_MAX = 256;

interface Props {
  chat: Chat;
  state: store.State;
  onClose(): void;
  /** Somebody wants to write to a contact: their conversation is open. */
  onOpened(conversation: string): void;
}

export function ContactsPanel({ chat, state, onClose, onOpened }: Props) {
  const { relations } = state;
  const byName = (users: string[]): string[] =>
    users.sort((a, b) => store.personName(state, a).localeCompare(store.personName(state, b)));
  const list = (title: string, users: string[], kind: 'blocked' | 'tie' = 'tie') =>
    users.length > 0 && (
      <Section title={title}>
        <ul class="people" aria-label={title}>
          {byName(users).map(user => (
            <ContactRow key={user} chat={chat} state={state} user={user} kind={kind} onOpened={onOpened} />
          ))}
        </ul>
      </Section>
    );
  const contacts = those(relations, 'contact');
  return (
    <Panel title="Contacts" onClose={onClose}>
      {!relations.known && <p class="quiet">Loading…</p>}
      {list('Who asks you', those(relations, 'asks'))}
      {list('Your contacts', contacts)}
      {relations.known && contacts.length === 0 && <p class="quiet">You have no contacts yet.</p>}
      {list('Whom you have asked', those(relations, 'asked'))}
      <Ask chat={chat} />
      {list('Blocked', [...relations.blocked], 'blocked')}
      <Block chat={chat} />
    </Panel>
  );
}

function Ask({ chat }: { chat: Chat }) {
  const [username, setUsername] = useState('');
  const [text, setText] = useState('');
  const asking = useDoing('Not asked');

  async function ask(event: Event): Promise<void> {
    event.preventDefault();
    if (!(await asking.run(() => chat.contacts.requestByName(username.trim(), text.trim())))) return;
    setUsername('');
    setText('');
  }

  return (
    <Section title="Ask somebody">
      <form class="pane-form" aria-label="Ask somebody to be a contact" onSubmit={event => void ask(event)}>
        <Username value={username} onInput={setUsername} />
        <label>
          <span>
            A few words <span class="quiet">(optional)</span>
          </span>
          <input
            value={text}
            maxLength={TEXT_MAX}
            autoComplete="off"
            onInput={event => setText(event.currentTarget.value)}
          />
        </label>
        <ProblemLine of={asking} />
        <div class="actions">
          <button class="primary" type="submit" aria-disabled={asking.busy}>
            Ask
          </button>
        </div>
      </form>
    </Section>
  );
}

function Block({ chat }: { chat: Chat }) {
  const [username, setUsername] = useState('');
  const blocking = useDoing('Not blocked');

  async function block(event: Event): Promise<void> {
    event.preventDefault();
    if (await blocking.run(() => chat.contacts.blockByName(username.trim()))) setUsername('');
  }

  return (
    <details class="more-of">
      <summary>Block somebody</summary>
      <form class="pane-form" aria-label="Block somebody" onSubmit={event => void block(event)}>
        <Username value={username} onInput={setUsername} />
        <p class="quiet">They do not write to you alone, and are not told that you block them.</p>
        <ProblemLine of={blocking} />
        <div class="actions">
          <button class="alarming" type="submit" aria-disabled={blocking.busy}>
            Block
          </button>
        </div>
      </form>
    </details>
  );
}

const Username = ({ value, onInput }: { value: string; onInput(value: string): void }) => (
  <label>
    Username
    <input
      value={value}
      required
      autoComplete="off"
      autoCapitalize="none"
      spellcheck={false}
      onInput={event => onInput(event.currentTarget.value)}
    />
  </label>
);
