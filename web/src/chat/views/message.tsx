// One message, one that is on its way, and what happened beside messages. Whatever people wrote is only ever text.
import { memo } from 'preact/compat';
import type { TidingsEvent } from '../../protocol/frames.ts';
import type { MessageEntry } from '../log.ts';
import * as store from '../store.ts';
import { Avatar } from './avatar.tsx';
import { clockTime } from './time.ts';

interface MessageProps {
  message: MessageEntry;
  name: string;
  mine: boolean;
  /** Whether it continues what the same person has just said. */
  together: boolean;
  /** Whether somebody has read it. */
  read: boolean;
}

export const Message = memo(function Message({ message, name, mine, together, read }: MessageProps) {
  const classes = ['message', mine && 'mine', together && 'together', !message.content && 'recalled'];
  return (
    <li class={classes.filter(Boolean).join(' ')} data-seq={message.seq}>
      {!mine && !together && <Avatar id={message.sender} name={name} />}
      <div class="bubble">
        {!together && <span class={mine ? 'visually-hidden' : 'name'}>{name}</span>}
        <span class="text">{store.contentText(message.content)}</span>
        <span class="meta">
          {message.edited && 'edited '}
          <time dateTime={message.at}>{clockTime(message.at)}</time>
          {mine && (
            <span class="mark" title={read ? 'Read' : 'Sent'} role="img" aria-label={read ? 'Read' : 'Sent'}>
              {read ? '✓✓' : '✓'}
            </span>
          )}
        </span>
      </div>
    </li>
  );
});

export function Pending({ message, onRetry }: { message: store.Outgoing; onRetry(): void }) {
  const { text, at, state, reason } = message;
  return (
    <li class={`message mine ${state}`} data-state={state}>
      <div class="bubble">
        <span class="text">{text}</span>
        <span class="meta">
          {state === 'failed' ? (
            <>
              <span class="problem" role="alert">
                Not sent: {reason}
              </span>{' '}
              <button class="link" type="button" onClick={onRetry}>
                Retry
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

export function Happening({ event, state }: { event: TidingsEvent; state: store.Known }) {
  const text = describe(event, user => store.personName(state, user));
  return text === '' ? null : (
    <li class="happening quiet" data-seq={event.seq}>
      {text}
    </li>
  );
}

function describe(event: TidingsEvent, name: (user: string) => string): string {
  const actor = name(event.actor);
  switch (event.kind) {
    case 'direct.opened':
      return `${actor} opened the conversation`;
    case 'group.created':
      return `${actor} created the group “${event.data.name}”`;
    case 'group.renamed':
      return `${actor} renamed the group to “${event.data.name}”`;
    case 'member.added':
      return `${actor} added ${name(event.data.user)}`;
    case 'member.removed':
      return `${actor} removed ${name(event.data.user)}`;
    case 'member.left':
      return `${name(event.data.user)} left`;
    case 'role.changed':
      return `${actor} made ${name(event.data.user)} ${event.data.role === 'admin' ? 'an' : 'a'} ${event.data.role}`;
    default:
      return '';
  }
}
