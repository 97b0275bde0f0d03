// What somebody was told, in one place: what waits for an answer, and what happened.
import { useEffect, useRef } from 'preact/hooks';
import type { Chat } from '../../chat.ts';
import { those } from '../../nouns/contact.ts';
import { toldText, type Told } from '../../nouns/notice.ts';
import * as store from '../../store.ts';
import { ContactRow } from '../contacts/row.tsx';
import { Invitations } from '../invitations.tsx';
import { When } from '../listing.tsx';
import { Section } from '../pane.tsx';
import { Panel } from '../panel.tsx';
import { Text } from '../text.tsx';

interface Props {
  chat: Chat;
  state: store.State;
  onClose(): void;
  onOpened(conversation: string): void;
  onSessions(): void;
}

export function NoticesPanel({ chat, state, onClose, onOpened, onSessions }: Props) {
  const { told } = state.notices;
  const asking = those(state.relations, 'asks');
  /** What was new when somebody came, or has come since, is told from the rest. */
  const fresh = useRef(new Set<string>());
  for (const { key, read } of told) if (!read) fresh.current.add(key);
  useEffect(() => chat.notices.read(), [chat, told]);
  function open(conversation: string, requests: boolean): void {
    chat.select(conversation);
    if (requests) void chat.governing.open(conversation);
    onOpened(conversation);
  }
  return (
    <Panel title="Notices" onClose={onClose}>
      {(asking.length > 0 || state.invitations.length > 0) && (
        <Section title="What waits for you">
          <Invitations chat={chat} state={state} />
          <ul class="people" aria-label="Who asks you">
            {asking.map(user => (
              <ContactRow key={user} chat={chat} state={state} user={user} kind="tie" onOpened={onOpened} />
            ))}
          </ul>
        </Section>
      )}
      <Section title="What you were told">
        {told.length === 0 && <p class="quiet">Nothing yet.</p>}
        <ol class="told" aria-label="Notices">
          {told.map(one => (
            <li key={one.key} class={one.kind} data-new={fresh.current.has(one.key) || undefined}>
              {fresh.current.has(one.key) && <span class="visually-hidden">New: </span>}
              {one.kind === 'announcement' && <strong>Announcement</strong>}
              {/* Names are nothing but names, whatever they look like. */}
              {one.kind === 'announcement' ? <Text text={said(state, one)} /> : said(state, one)}
              <When at={one.at} />
              <Way state={state} told={one} onConversation={open} onSessions={onSessions} />
            </li>
          ))}
        </ol>
      </Section>
    </Panel>
  );
}

interface WayProps {
  state: store.State;
  told: Told;
  onConversation(conversation: string, requests: boolean): void;
  onSessions(): void;
}

/** To where somebody sees to it, as long as there is such a place. */
function Way({ state, told: { leads, conversation }, onConversation, onSessions }: WayProps) {
  if (leads === 'sessions')
    return (
      <button class="small" type="button" onClick={onSessions}>
        Show sessions
      </button>
    );
  if (leads === undefined || conversation === undefined || !state.conversations.get(conversation)?.joined)
    return null;
  const requests = leads === 'requests';
  return (
    <button class="small" type="button" onClick={() => onConversation(conversation, requests)}>
      {requests ? 'Show who asks' : 'Open'}
    </button>
  );
}

function said(state: store.State, told: Told): string {
  const { by, conversation, group } = told;
  const known = conversation === undefined ? undefined : state.conversations.get(conversation);
  const where = group ?? (known ? store.titleOf(state, known) : 'a group');
  return toldText(told, by === undefined ? '' : store.personName(state, by), where);
}
