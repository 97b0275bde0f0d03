// What can be typed to search, and what it finds.

/** What is typed, and what comes of it; one that ends in a colon is to be gone on with. */
const FILTERS: readonly (readonly [typed: string, finds: string, begin: string])[] = [
  ['meet noon', 'both words, in any order', ''],
  ['"at noon"', 'these words side by side', '"'],
  ['-noon', 'without the word', '-'],
  ['from:ann', 'by Ann; from:me by yourself', 'from:'],
  ['in:walkers', 'in the conversation of that name', 'in:'],
  ['after:2026-11', 'since a year, month or day ended', 'after:'],
  ['before:2026-11-26', 'until a year, month or day began', 'before:'],
  ['has:image', 'with a picture', 'has:image '],
  ['has:file', 'with a file', 'has:file '],
  ['has:link', 'with a link', 'has:link '],
];

export const SearchHelp = ({ onChoose }: { onChoose(text: string): void }) => (
  <table class="search-help">
    <caption class="quiet">Finds messages of your conversations by what they say now.</caption>
    <tbody>
      {FILTERS.map(([typed, finds, begin]) => (
        <tr key={typed}>
          <th scope="row">
            {begin === '' ? (
              <code>{typed}</code>
            ) : (
              <button
                class="link"
                type="button"
                aria-label={`Begin with ${begin}`}
                onClick={() => onChoose(begin)}
              >
                <code>{typed}</code>
              </button>
            )}
          </th>
          <td>{finds}</td>
        </tr>
      ))}
    </tbody>
  </table>
);
