// The messages that a conversation keeps in view.
import type { Pinned } from '../queries.ts';
import { Listing, When } from './listing.tsx';

interface Props {
  load(): Promise<Pinned[]>;
  onClose(): void;
}

export const Pins = ({ load, onClose }: Props) => (
  <Listing
    title="Pinned messages"
    empty="Nothing is pinned here."
    load={load}
    row={({ at, text, sender }) => (
      <>
        <span class="quiet">
          {sender}, <When at={at} />
        </span>
        <span class="text">{text}</span>
      </>
    )}
    onClose={onClose}
  />
);
