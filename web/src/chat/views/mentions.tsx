// The people who may be meant by a name that is being written.
import type { Person } from '../store.ts';
import { Avatar } from './avatar.tsx';

interface Props {
  id: string;
  people: readonly Person[];
  /** The one that Enter takes. */
  chosen: number;
  onChoose(person: Person): void;
}

export const optionId = (list: string, person: Person): string => `${list}-${person.id}`;

export const Mentions = ({ id, people, chosen, onChoose }: Props) => (
  <ul class="mentions" id={id} role="listbox" aria-label="People">
    {people.map((person, index) => (
      <li
        key={person.id}
        id={optionId(id, person)}
        role="option"
        aria-selected={index === chosen}
        // The field keeps the focus.
        onMouseDown={event => event.preventDefault()}
        onClick={() => onChoose(person)}
      >
        <Avatar id={person.id} name={person.displayName} />
        <span>{person.displayName}</span>
        <span class="quiet">@{person.username}</span>
      </li>
    ))}
  </ul>
);
