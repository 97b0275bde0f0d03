// A button that opens a short list of things to do.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

export interface Choice {
  label: string;
  /** Of one of several that stand for what is so: whether it is this. */
  checked?: boolean;
  act(): void;
}

interface Props {
  label: string;
  choices: readonly Choice[];
  children: ComponentChildren;
}

export function Menu({ label, choices, children }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();

  const items = (): HTMLElement[] => [...(list.current?.querySelectorAll<HTMLElement>('button') ?? [])];

  useEffect(() => {
    if (!open) return;
    items()[0]?.focus();
    const elsewhere = (event: Event): void => {
      const at = event.target as Node | null;
      if (!list.current?.contains(at) && !button.current?.contains(at)) setOpen(false);
    };
    addEventListener('pointerdown', elsewhere);
    addEventListener('focusin', elsewhere);
    return () => {
      removeEventListener('pointerdown', elsewhere);
      removeEventListener('focusin', elsewhere);
    };
  }, [open]);

  function close(): void {
    setOpen(false);
    button.current?.focus();
  }

  function moved(event: KeyboardEvent): void {
    const all = items();
    const at = all.indexOf(event.target as HTMLElement);
    const to: Record<string, number> = {
      ArrowDown: (at + 1) % all.length,
      ArrowUp: (at + all.length - 1) % all.length,
      Home: 0,
      End: all.length - 1,
    };
    if (event.key === 'Escape') close();
    else if (event.key === 'Tab') return setOpen(false);
    else if (to[event.key] === undefined) return;
    else all[to[event.key]!]?.focus();
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div class="menu">
      <button
        ref={button}
        class="quiet-button"
        type="button"
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      >
        {children}
      </button>
      {open && (
        <ul ref={list} id={id} role="menu" aria-label={label} onKeyDown={moved}>
          {choices.map(choice => (
            <li key={choice.label} role="none">
              <button
                type="button"
                role={choice.checked === undefined ? 'menuitem' : 'menuitemradio'}
                aria-checked={choice.checked}
                tabIndex={-1}
                onClick={() => {
                  close();
                  choice.act();
                }}
              >
                {choice.label}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
