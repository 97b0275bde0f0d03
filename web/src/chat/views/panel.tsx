// Something that is shown in the place of the list of conversations, until it is closed.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { escapes, useFocus } from './pane.tsx';

interface Props {
  title: string;
  children: ComponentChildren;
  onClose(): void;
}

export function Panel({ title, children, onClose }: Props) {
  const heading = useId();
  const { element, first } = useFocus<HTMLElement, HTMLHeadingElement>();
  return (
    <section ref={element} class="panel" aria-labelledby={heading} onKeyDown={escapes(onClose)}>
      <header>
        <h2 ref={first} id={heading} tabIndex={-1}>
          {title}
        </h2>
        <button class="small" type="button" onClick={onClose}>
          Close
        </button>
      </header>
      <div class="pane-body">{children}</div>
    </section>
  );
}
