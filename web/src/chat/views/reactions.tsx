// Reactions to a message, and choosing one. Everything that is offered is on the page: nothing is loaded for it.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { MessageEntry } from '../fold.ts';
import { isEmoji, OFFERED } from '../nouns/reaction.ts';
import * as store from '../store.ts';

interface ReactionsProps {
  message: MessageEntry;
  known: store.Known;
  /** Whether this person may join in, or take their own back. */
  allowed(on: boolean): boolean;
  onToggle(emoji: string, on: boolean): void;
}

/** Who reacted how; pressing one joins in, or takes one's own back. */
export function Reactions({ message, known, allowed, onToggle }: ReactionsProps) {
  if (message.reactions.size === 0) return null;
  return (
    <ul class="reactions" aria-label="Reactions">
      {[...message.reactions].map(([emoji, users]) => {
        const mine = users.includes(known.me);
        const who = names(users, known);
        return (
          <li key={emoji}>
            <button
              type="button"
              class={mine ? 'reaction own' : 'reaction'}
              aria-pressed={mine}
              aria-label={`${emoji} ${users.length}: ${who}`}
              aria-disabled={!allowed(!mine)}
              title={who}
              onClick={() => allowed(!mine) && onToggle(emoji, !mine)}
            >
              <span class="emoji">{emoji}</span> {users.length}
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function names(users: readonly string[], known: store.Known): string {
  const named = users.slice(0, store.NAMED_REACTORS).map(user => store.personName(known, user));
  const others = users.length - named.length;
  return named.join(', ') + (others > 0 ? ` and ${others} more` : '');
}

interface PickerProps {
  /** The longest that the server takes. */
  bytesMax: number;
  onPick(emoji: string): void;
  onClose(): void;
}

export function Picker({ bytesMax, onPick, onClose }: PickerProps) {
  const panel = useRef<HTMLDivElement>(null);
  const [typed, setTyped] = useState('');
  const fits = isEmoji(typed.trim(), bytesMax);

  useEffect(() => {
    panel.current?.scrollIntoView({ block: 'nearest' });
    panel.current?.querySelector('button')?.focus();
  }, []);

  /** The arrows go through what is offered. */
  function moved(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      event.stopPropagation();
      return onClose();
    }
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };
    const step = steps[event.key];
    const buttons = [...(panel.current?.querySelectorAll<HTMLElement>('.offered button') ?? [])];
    const at = buttons.indexOf(event.target as HTMLElement);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
  }

  function submit(event: Event): void {
    event.preventDefault();
    if (fits) onPick(typed.trim());
  }

  return (
    <div ref={panel} class="picker" role="dialog" aria-label="React" onKeyDown={moved}>
      <div class="offered">
        {OFFERED.map(([emoji, name]) => (
          <button key={emoji} type="button" aria-label={name} title={name} onClick={() => onPick(emoji)}>
            <span class="emoji">{emoji}</span>
          </button>
        ))}
      </div>
      <form onSubmit={submit}>
        <input
          value={typed}
          aria-label="Another emoji"
          aria-invalid={typed !== '' && !fits}
          placeholder="Another emoji, or :name:"
          autoComplete="off"
          onInput={event => setTyped(event.currentTarget.value)}
        />
        <button class="small" type="submit" disabled={!fits}>
          React
        </button>
      </form>
    </div>
  );
}
