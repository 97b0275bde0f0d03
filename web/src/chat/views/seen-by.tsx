// Who has read a message, and who has it.
import type { SeenBy } from '../queries.ts';
import { Listing } from './listing.tsx';

interface Props {
  load(): Promise<SeenBy>;
  lacks(seenBy: Pick<SeenBy, 'read'>): boolean;
  onClose(): void;
}

interface Row {
  name: string;
  read: boolean;
}

export const SeenByList = ({ load, lacks, onClose }: Props) => (
  <Listing<Row>
    title="Seen by"
    empty="Nobody is known to have read it."
    load={async () => {
      const { read, delivered } = await load();
      return [...read.map(name => ({ name, read: true })), ...delivered.map(name => ({ name, read: false }))];
    }}
    lacks={rows => lacks({ read: rows.flatMap(({ name, read }) => (read ? [name] : [])) })}
    row={({ name, read }) => (
      <span>
        {name} <span class="quiet">{read ? 'has read it' : 'has it'}</span>
      </span>
    )}
    onClose={onClose}
  />
);
