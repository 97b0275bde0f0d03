// What a message said before it was edited.
import type { Version } from '../queries.ts';
import { Listing, When } from './listing.tsx';

interface Props {
  load(): Promise<Version[]>;
  lacks(versions: Version[]): boolean;
  onClose(): void;
}

export const Versions = ({ load, lacks, onClose }: Props) => (
  <Listing
    title="What it said before"
    load={load}
    lacks={lacks}
    row={({ at, text }) => (
      <>
        <When at={at} />
        <span class="text">{text}</span>
      </>
    )}
    onClose={onClose}
  />
);
