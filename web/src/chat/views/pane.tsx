// Something that is shown beside a conversation, until it is closed.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { isTaken, useRefuge } from './focus.ts';

interface Props {
  title: string;
  children: ComponentChildren;
  onClose(): void;
}

export function Pane({ title, children, onClose }: Props) {
  const heading = useId();
  const { element, first } = useFocus<HTMLElement, HTMLHeadingElement>();
  return (
    <aside ref={element} class="pane" aria-labelledby={heading} onKeyDown={escapes(onClose)}>
      <header>
        <h2 ref={first} id={heading} tabIndex={-1}>
          {title}
        </h2>
        <button class="small" type="button" onClick={onClose}>
          Close
        </button>
      </header>
      <div class="pane-body">{children}</div>
    </aside>
  );
}

/** One part of a pane, under its heading. */
export function Section({ title, children }: { title: string; children: ComponentChildren }) {
  const heading = useId();
  return (
    <section aria-labelledby={heading}>
      <h3 id={heading}>{title}</h3>
      {children}
    </section>
  );
}

/** The focus goes to the heading, stays inside when what had it is gone, and goes back to where somebody came from. */
export function useFocus<E extends HTMLElement, F extends HTMLElement>() {
  const element = useRef<E>(null);
  const first = useRef<F>(null);
  useRefuge(element, first);
  useEffect(() => {
    const from = document.activeElement;
    let inside = false;
    const follow = (event: FocusEvent): void => {
      inside = element.current?.contains(event.target as Node | null) ?? false;
    };
    addEventListener('focusin', follow);
    if (!isTaken()) first.current?.focus();
    return () => {
      removeEventListener('focusin', follow);
      if (inside && from instanceof HTMLElement && from.isConnected) from.focus();
    };
  }, []);
  return { element, first };
}

/** Escape closes it, and not what stands before it: that closes itself. */
export const escapes =
  (close: () => void) =>
  (event: KeyboardEvent): void => {
    const before = event.target instanceof Element && event.target.closest('dialog, [role="menu"]');
    if (event.key === 'Escape' && !event.defaultPrevented && !before) close();
  };
