// Where one is signed in, one's password, and the end of one's account.
import { useEffect, useState } from 'preact/hooks';
import type { OwnSession } from '../../../shared/api.ts';
import type { Chat } from '../../chat.ts';
import { ProblemLine, useDoing } from '../doing.tsx';
import { When } from '../listing.tsx';
import { Section } from '../pane.tsx';
import { Panel } from '../panel.tsx';
import { Question } from '../question.tsx';
import { DeleteAccount } from './delete.tsx';
import { PasswordForm } from './password.tsx';

export function SessionsPanel({
  chat,
  username,
  onClose,
}: {
  chat: Chat;
  username: string;
  onClose(): void;
}) {
  const [sessions, setSessions] = useState<OwnSession[] | null>(null);
  const [asking, setAsking] = useState(false);
  const loading = useDoing('Not loaded');
  const ending = useDoing('Not all were ended');
  const load = (): void => void loading.run(async () => setSessions(await chat.sessions.list()));
  useEffect(load, []);
  return (
    <Panel title="Sessions" onClose={onClose}>
      <Section title="Where you are signed in">
        {sessions === null && loading.busy && <p class="quiet">Loading…</p>}
        <ProblemLine of={loading} />
        {loading.problem !== '' && (
          <button class="small" type="button" onClick={load}>
            Try again
          </button>
        )}
        <ul class="people" aria-label="Sessions">
          {sessions?.map(session => (
            <Item
              key={session.id}
              chat={chat}
              session={session}
              onEnded={() => setSessions(now => now?.filter(other => other.id !== session.id) ?? null)}
            />
          ))}
        </ul>
        <div class="actions">
          <button class="small" type="button" onClick={() => setAsking(true)}>
            Sign out everywhere
          </button>
        </div>
        <ProblemLine of={ending} />
        {asking && (
          <Question
            title="Sign out everywhere?"
            yes="Sign out"
            no="Stay signed in"
            onYes={() => void ending.run(() => chat.sessions.endAll()).then(well => well || load())}
            onClose={() => setAsking(false)}
          >
            <p class="quiet">All devices are signed out, this one too.</p>
          </Question>
        )}
      </Section>
      <PasswordForm chat={chat} username={username} onChanged={load} />
      <DeleteAccount chat={chat} username={username} />
    </Panel>
  );
}

function Item({ chat, session, onEnded }: { chat: Chat; session: OwnSession; onEnded(): void }) {
  const { device, address, last_used_at: at, current } = session;
  const doing = useDoing('Not ended');
  const name = device ?? 'A device without a name';
  return (
    <li aria-current={current || undefined}>
      <span class="who">
        <strong>{name}</strong>
        <span class="quiet">
          {current ? 'this one, ' : ''}
          {address}, last used <When at={at} />
        </span>
      </span>
      {!current && (
        <button
          class="small"
          type="button"
          aria-disabled={doing.busy}
          aria-label={`End: ${name}, ${address}`}
          onClick={() => void doing.run(() => chat.sessions.end(session)).then(well => well && onEnded())}
        >
          End
        </button>
      )}
      <ProblemLine of={doing} />
    </li>
  );
}
