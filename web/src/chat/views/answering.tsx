// Which message is being answered, above where one writes.
import type { Chat } from '../chat.ts';
import type { MessageEntry } from '../fold.ts';
import * as store from '../store.ts';
import { useQuote } from './quote.tsx';

interface Props {
  chat: Chat;
  known: store.Known;
  conversation: string;
  message: string;
  entry: MessageEntry | undefined;
  onCancel(): void;
}

export function Answering({ onCancel, ...props }: Props) {
  const quote = useQuote(props);
  const name = quote ? store.personName(props.known, quote.sender) : '';
  return (
    <div class="answering" role="status">
      <span class="quoted">
        Reply to <strong>{name === 'You' ? 'yourself' : name}</strong>{' '}
        <span class="quiet">{quote?.text}</span>
      </span>
      <button class="link" type="button" aria-label="Do not reply" onClick={onCancel}>
        ✕
      </button>
    </div>
  );
}
