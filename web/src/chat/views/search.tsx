// Looking for messages, in all conversations or in one.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import type { Hit, Hits, Sought } from '../queries.ts';
import * as store from '../store.ts';
import { sentence } from './hooks.ts';
import { SearchHelp } from './search-help.tsx';
import { When } from './listing.tsx';

/** Whoever types is not asked for at every key. */
const PAUSE_MS = 300;

interface Props {
  chat: Chat;
  state: store.State;
  /** The conversation that one may look in alone. */
  within: store.Conversation | undefined;
  onChoose(hit: Hit): void;
  onClose(): void;
}

type Outcome =
  | { kind: 'nothing' }
  | { kind: 'looking' }
  | { kind: 'failed'; problem: string }
  | ({ kind: 'found' } & Hits);

export function Search({ chat, state, within, onChoose, onClose }: Props) {
  const [query, setQuery] = useState('');
  const [only, setOnly] = useState(false);
  const [order, setOrder] = useState<Sought['order']>('NEWEST');
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'nothing' });
  const field = useRef<HTMLInputElement>(null);
  const asked = useRef(0);
  const heading = useId();
  const conversation = only && within ? within.id : null;

  /** Answers of what is not looked for any more are dropped. */
  async function look(before: Hits | null): Promise<void> {
    const turn = ++asked.current;
    try {
      const found = await chat.search({ query, conversation, order }, before?.next ?? null);
      if (turn !== asked.current) return;
      setOutcome({ kind: 'found', ...found, hits: [...(before?.hits ?? []), ...found.hits] });
    } catch (error) {
      if (turn === asked.current) setOutcome({ kind: 'failed', problem: sentence(error) });
    }
  }

  useEffect(() => {
    asked.current += 1;
    if (query.trim() === '') return setOutcome({ kind: 'nothing' });
    setOutcome(now => (now.kind === 'found' ? now : { kind: 'looking' }));
    const pause = setTimeout(() => void look(null), PAUSE_MS);
    return () => clearTimeout(pause);
  }, [query, conversation, order]);

  useEffect(() => field.current?.focus(), []);

  function write(text: string): void {
    setQuery(query === '' || query.endsWith(' ') ? query + text : `${query} ${text}`);
    field.current?.focus();
  }

  return (
    <section
      class="search"
      role="search"
      aria-labelledby={heading}
      onKeyDown={event => event.key === 'Escape' && onClose()}
    >
      <header>
        <h2 id={heading}>Search</h2>
        <button class="small" type="button" onClick={onClose}>
          Close
        </button>
      </header>
      <input
        ref={field}
        type="search"
        value={query}
        aria-label="Search messages"
        placeholder="Words, “phrases”, from:ann"
        autoComplete="off"
        spellcheck={false}
        enterkeyhint="search"
        onInput={event => setQuery(event.currentTarget.value)}
      />
      <div class="search-options">
        {within && (
          <label>
            <input type="checkbox" checked={only} onChange={event => setOnly(event.currentTarget.checked)} />
            Only in {store.titleOf(state, within)}
          </label>
        )}
        <label>
          <input
            type="checkbox"
            checked={order === 'BEST'}
            onChange={event => setOrder(event.currentTarget.checked ? 'BEST' : 'NEWEST')}
          />
          Best first
        </label>
      </div>
      <p class="quiet" role="status">
        {said(outcome)}
      </p>
      {outcome.kind === 'failed' && (
        <p class="problem" role="alert">
          {outcome.problem}
        </p>
      )}
      {outcome.kind === 'nothing' && <SearchHelp onChoose={write} />}
      {outcome.kind === 'found' && (
        <ol class="hits">
          {outcome.hits.map(hit => (
            <li key={`${hit.conversation}/${hit.id}`}>
              <HitView state={state} hit={hit} onChoose={onChoose} />
            </li>
          ))}
          {outcome.next !== null && (
            <li>
              <button class="link" type="button" onClick={() => void look(outcome)}>
                {outcome.complete ? 'More' : 'Look further'}
              </button>
            </li>
          )}
        </ol>
      )}
    </section>
  );
}

function said(outcome: Outcome): string {
  if (outcome.kind === 'looking') return 'Looking…';
  if (outcome.kind !== 'found') return '';
  const { hits, next, complete, ignored, unknown } = outcome;
  const count =
    hits.length === 0 ? 'Nothing found' : `${hits.length}${next === null ? '' : ' or more'} found`;
  const cut = complete ? '' : ', not everything was looked at';
  const list = (title: string, of: string[]) => (of.length > 0 ? ` ${title}: ${of.join(', ')}.` : '');
  return `${count}${cut}.${list('Left out', ignored)}${list('Not known here', unknown)}`;
}

interface HitProps {
  state: store.State;
  hit: Hit;
  onChoose(hit: Hit): void;
}

function HitView({ state, hit, onChoose }: HitProps) {
  const conversation = state.conversations.get(hit.conversation);
  const title = conversation ? store.titleOf(state, conversation) : '';
  const name = store.personName(state, hit.sender.id);
  return (
    <button class="row" type="button" disabled={!conversation} onClick={() => onChoose(hit)}>
      <span class="quiet hit-where">
        <strong>{name}</strong> {name === title ? '' : `in ${title}`} <When at={hit.at} />
      </span>
      <span class="snippet">
        {hit.snippet.map(({ text, isMatch }, index) => (isMatch ? <mark key={index}>{text}</mark> : text))}
      </span>
    </button>
  );
}
