// Something that is shown beside a conversation, until it is closed.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

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

/** The focus goes to the heading, also where it would be lost, and back to where somebody came from. */
export function useFocus<E extends HTMLElement, F extends HTMLElement>() {
  const element = useRef<E>(null);
  const first = useRef<F>(null);
  const inside = useRef(false);
  useEffect(() => {
    const from = document.activeElement;
    const follow = (event: FocusEvent): void => {
      inside.current = element.current?.contains(event.target as Node | null) ?? false;
    };
    addEventListener('focusin', follow);
    first.current?.focus();
    return () => {
      removeEventListener('focusin', follow);
      if (inside.current && from instanceof HTMLElement && from.isConnected) from.focus();
    };
  }, []);
  // What had the focus may be gone by what was done with it.
  useEffect(() => {
    if (inside.current && document.activeElement === document.body)
      first.current?.focus({ preventScroll: true });
  });
  return { element, first };
}

/** Escape closes it, and not what stands before it: that closes itself. */
export const escapes =
  (close: () => void) =>
  (event: KeyboardEvent): void => {
    const before = event.target instanceof Element && event.target.closest('dialog, [role="menu"]');
    if (event.key === 'Escape' && !event.defaultPrevented && !before) close();
  };
