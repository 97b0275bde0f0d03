// Marking conversations for oneself, and hearing of what was marked on another device.
import type { Notice } from '../protocol/frames.ts';
import type { Core } from './core.ts';
import type { CursorKeeper } from './cursors.ts';
import { marked, type Marks } from './nouns/mark.ts';
import type { Reads } from './reads.ts';
import * as store from './store.ts';
import type { Summaries } from './summaries.ts';

/** So long a page that is opened is told of a notice again: read models may lag, and say what was before. */
const RECENT_MS = 60_000;

export class OwnMarks {
  constructor(
    private readonly core: Core,
    private readonly cursors: CursorKeeper,
    private readonly reads: Reads,
    private readonly summaries: Summaries,
  ) {}

  /** For so many milliseconds, or for ever. Fails with a sentence for people, as the others do. */
  async mute(conversation: string, on: boolean, forMs?: number): Promise<void> {
    const { core } = this;
    const until = forMs === undefined ? {} : { until: new Date(core.now() + forMs).toISOString() };
    await core.socket.command({ type: 'conversation.mute', conversation, on, ...until });
  }

  async archive(conversation: string, on: boolean): Promise<void> {
    await this.core.socket.command({ type: 'conversation.archive', conversation, on });
  }

  async markUnread(conversation: string): Promise<void> {
    // A read that comes behind the mark would end it.
    this.reads.flush();
    await this.core.socket.command({ type: 'conversation.mark', conversation, unread: true });
  }

  noticed(notice: Notice): void {
    const { core } = this;
    setTimeout(() => {
      if (!core.closed) this.cursors.move('self', notice.seq);
    }, RECENT_MS);
    const mark = marked(notice);
    if (!mark) return;
    if (core.state.link.kind === 'online') {
      core.update(state => withMarks(state, mark.conversation, mark.marks));
    } else if (this.summaries.lack(notice)) {
      // What has been said since may have ended it: the read models know.
      core.update(state => untold(state, mark.conversation));
      this.summaries.renewSoon(mark.conversation);
    }
  }
}

export const withMarks = (state: store.State, id: string, marks: Partial<Marks>): store.State =>
  store.change(state, id, conversation => ({
    ...conversation,
    marks: { ...conversation.marks, ...marks },
    told: [...new Set([...conversation.told, ...(Object.keys(marks) as (keyof Marks)[])])],
  }));

/** The read models know better. */
const untold = (state: store.State, id: string): store.State =>
  store.withPartial(
    store.change(state, id, conversation => ({ ...conversation, told: [] })),
    id,
  );
