// A message that is on its way.
import type { Chat } from '../chat.ts';
import type { MessageEntry } from '../fold.ts';
import type * as store from '../store.ts';
import { OutgoingFile } from './attachment.tsx';
import { QuoteView } from './quote.tsx';
import { Text } from './text.tsx';
import { clockTime } from './time.ts';

interface PendingProps {
  chat: Chat;
  conversation: string;
  known: store.Known;
  message: store.Outgoing;
  answered: MessageEntry | undefined;
  onRetry(): void;
  onCancel(): void;
}

export function Pending({ chat, conversation, known, message, answered, onRetry, onCancel }: PendingProps) {
  const { text, at, state, reason, replyTo } = message;
  return (
    <li class={`message mine ${state}`} data-state={state}>
      <div class="bubble">
        {replyTo !== undefined && (
          <QuoteView
            chat={chat}
            known={known}
            conversation={conversation}
            message={replyTo}
            entry={answered}
          />
        )}
        <OutgoingFile message={message} onCancel={onCancel} />
        {text !== '' && <Text text={text} />}
        <span class="meta">
          {state === 'failed' ? (
            <>
              <span class="problem" role="alert">
                Not sent: {reason}
              </span>{' '}
              <button class="link" type="button" onClick={onRetry}>
                Retry
              </button>{' '}
              <button class="link" type="button" onClick={onCancel}>
                Discard
              </button>
            </>
          ) : (
            <>
              <time dateTime={at}>{clockTime(at)}</time>
              <span class="mark">{state === 'sent' ? '✓' : 'sending…'}</span>
            </>
          )}
        </span>
      </div>
    </li>
  );
}
