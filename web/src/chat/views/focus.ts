// Where the focus goes when what had it is gone, and from where nothing takes it.
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

/** Whether somebody writes, or goes through a menu or a dialog just now: what comes late does not take the focus from there. */
export function isTaken(): boolean {
  const active = document.activeElement;
  if (active instanceof HTMLInputElement || active instanceof HTMLTextAreaElement) return active.value !== '';
  return Boolean(active?.closest('[role="menu"], [role="dialog"], dialog'));
}

/**
 * When what has the focus is taken out of an element, the focus stays close: it goes to what is beside that in its list, to the heading of
 * its part, or else where `otherwise` says. What is put somewhere else keeps it. Nothing that it goes to does anything by itself. Whoever has
 * clicked away from there is not brought back.
 */
export function useRefuge(
  element: RefObject<HTMLElement | null>,
  otherwise: RefObject<HTMLElement | null>,
): void {
  useEffect(() => {
    const within = element.current;
    if (!within) return;
    let had: HTMLElement | null = null;
    const look = (records: readonly MutationRecord[]): void => {
      if (!had || !isNowhere()) return;
      const record = records.find(({ removedNodes }) => [...removedNodes].some(node => node.contains(had)));
      if (record) take(within.contains(had) ? had : (closeTo(record) ?? otherwise.current));
    };
    const observer = new MutationObserver(look);
    const came = ({ target }: FocusEvent): void => {
      had = target instanceof HTMLElement && within.contains(target) ? target : null;
    };
    const left = (event: FocusEvent): void => {
      if (event.target !== had || event.relatedTarget) return;
      // Some browsers tell this also of what is just being taken out. Of a window that is left, the focus stays where it is.
      queueMicrotask(() => {
        look(observer.takeRecords());
        if (isNowhere()) had = null;
      });
    };
    observer.observe(within, { childList: true, subtree: true });
    addEventListener('focusin', came);
    addEventListener('focusout', left);
    return () => {
      observer.disconnect();
      removeEventListener('focusin', came);
      removeEventListener('focusout', left);
    };
  }, []);
}

const isNowhere = (): boolean => !document.activeElement || document.activeElement === document.body;

function closeTo({ target, removedNodes, nextSibling, previousSibling }: MutationRecord): Element | null {
  const isItem = (node: Node | null | undefined): node is HTMLLIElement => node instanceof HTMLLIElement;
  const beside = [nextSibling, previousSibling].filter(isItem).find(item => item.isConnected);
  if (beside && [...removedNodes].some(isItem)) return beside;
  const heading = target instanceof Element && target.closest('section')?.querySelector('h2, h3');
  return heading && heading.isConnected ? heading : null;
}

function take(element: Element | null): void {
  if (!(element instanceof HTMLElement)) return;
  if (element.tabIndex < 0) element.tabIndex = -1;
  element.focus({ preventScroll: true });
}
