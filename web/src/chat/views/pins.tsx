// The messages that a conversation keeps in view.
import type { Pinned } from '../queries.ts';
import { Listing, When } from './listing.tsx';

interface Props {
  load(): Promise<Pinned[]>;
  lacks(pins: Pinned[]): boolean;
  /** Somebody wants to see one where it was said. */
  onChoose(pin: Pinned): void;
  onClose(): void;
}

export const Pins = ({ load, lacks, onChoose, onClose }: Props) => (
  <Listing
    title="Pinned messages"
    empty="Nothing is pinned here."
    load={load}
    lacks={lacks}
    row={(pin, close) => (
      <button
        class="row"
        type="button"
        onClick={() => {
          close();
          onChoose(pin);
        }}
      >
        <span class="quiet">
          {pin.sender}, <When at={pin.at} />
        </span>
        <span class="text">{pin.text}</span>
      </button>
    )}
    onClose={onClose}
  />
);
