// What a message answers.
import { useEffect, useReducer, useRef } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import type { MessageEntry } from '../fold.ts';
import { messageText, quoted } from '../nouns/message.ts';
import { placeKey, type Quote } from '../queries.ts';
import * as store from '../store.ts';

interface Props {
  chat: Chat;
  known: store.Known;
  conversation: string;
  /** The id of the message that is answered. */
  message: string;
  /** The message itself, where it is loaded. */
  entry: MessageEntry | undefined;
}

/** What is known of a message: from what is loaded, else from the server. `null`: there is none. */
export function useQuote({
  chat,
  conversation,
  message,
  entry,
}: Omit<Props, 'known'>): Pick<Quote, 'seq' | 'sender' | 'text'> | null | undefined {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const key = placeKey(conversation, message);
  const isLoaded = entry !== undefined;
  useEffect(
    () => (isLoaded ? undefined : chat.quotes.watch(key, () => draw(undefined))),
    [chat, key, isLoaded],
  );
  // What became of it comes as events, and may be newer than what was asked for.
  const since = () => chat.state.conversations.get(conversation)?.log?.amended.get(message);
  const shown = useRef(since());
  shown.current = since();
  useEffect(
    () => (isLoaded ? undefined : chat.subscribe(() => since() !== shown.current && draw(undefined))),
    [chat, key, isLoaded],
  );
  if (entry) return { seq: entry.seq, sender: entry.sender, text: messageText(entry) };
  const quote = chat.quotes.get(key);
  return quote && quoted(quote, shown.current);
}

/** It leads to the message that is answered. */
export function QuoteView(props: Props) {
  const { chat, known, conversation } = props;
  const quote = useQuote(props);
  if (quote === null) return <span class="quote quiet">A message that is not there any more</span>;
  if (quote === undefined) return <span class="quote quiet">…</span>;
  const name = store.personName(known, quote.sender);
  return (
    <button
      class="quote"
      type="button"
      aria-label={`In answer to ${name}: ${quote.text}. Go there`}
      onClick={() => chat.goTo(conversation, quote.seq)}
    >
      <strong>{name}</strong>
      <span class="quoted">{quote.text}</span>
    </button>
  );
}
