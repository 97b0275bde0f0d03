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
}

export function NoticesPanel({ chat, state, onClose, onOpened }: Props) {
  const { told } = state.notices;
  const asking = those(state.relations, 'asks');
  /** What was new when somebody came, or has come since, is told from the rest. */
  const fresh = useRef(new Set<string>());
  for (const { key, read } of told) if (!read) fresh.current.add(key);
  useEffect(() => chat.notices.read(), [chat, told]);
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
            </li>
          ))}
        </ol>
      </Section>
    </Panel>
  );
}

function said(state: store.State, told: Told): string {
  const { by, conversation, group } = told;
  const known = conversation === undefined ? undefined : state.conversations.get(conversation);
  const where = group ?? (known ? store.titleOf(state, known) : 'a group');
  return toldText(told, by === undefined ? '' : store.personName(state, by), where);
}
