// Who has read a message, and who has it.
import type { SeenBy } from '../queries.ts';
import { Listing } from './listing.tsx';

interface Props {
  load(): Promise<SeenBy>;
  onClose(): void;
}

interface Row {
  name: string;
  how: string;
}

export const SeenByList = ({ load, onClose }: Props) => (
  <Listing<Row>
    title="Seen by"
    empty="Nobody is known to have read it."
    load={async () => {
      const { read, delivered } = await load();
      return [
        ...read.map(name => ({ name, how: 'has read it' })),
        ...delivered.map(name => ({ name, how: 'has it' })),
      ];
    }}
    row={({ name, how }) => (
      <span>
        {name} <span class="quiet">{how}</span>
      </span>
    )}
    onClose={onClose}
  />
);
