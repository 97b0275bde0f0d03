// The threads of a group, the one with the newest reply first.
import type { ThreadSummary } from '../queries.ts';
import { Listing, When } from './listing.tsx';

interface Props {
  load(): Promise<ThreadSummary[]>;
  lacks(threads: ThreadSummary[]): boolean;
  onChoose(thread: ThreadSummary): void;
  onClose(): void;
}

export const ThreadsList = ({ load, lacks, onChoose, onClose }: Props) => (
  <Listing
    title="Threads"
    empty="There are no threads here. Reply to a message in a thread to begin one."
    load={load}
    lacks={lacks}
    row={(thread, close) => (
      <button
        class="row"
        type="button"
        onClick={() => {
          close();
          onChoose(thread);
        }}
      >
        <span class="quiet">
          {thread.sender !== null && `${thread.sender}, `}
          {thread.replies === 1 ? '1 reply' : `${thread.replies} replies`}, <When at={thread.at} />
          {thread.following && thread.unread > 0 && <strong class="new"> {thread.unread} new</strong>}
        </span>
        <span class="text">{thread.text}</span>
      </button>
    )}
    onClose={onClose}
  />
);
