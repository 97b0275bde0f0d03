// Marking conversations for oneself, and hearing of what was marked on another device.
import type { Notice, Welcome } from '../protocol/frames.ts';
import type { Core } from './core.ts';
import type { CursorKeeper } from './cursors.ts';
import { marked, type Marks } from './nouns/mark.ts';
import type { Reads } from './reads.ts';
import * as store from './store.ts';
import type { Summaries } from './summaries.ts';

/** The list of conversations was asked for no longer than this before the first welcome; what is older, it includes. */
const LISTED_MS = 60_000;

export class OwnMarks {
  /** What is noticed before this is known. */
  private knownUntil: number | undefined;

  constructor(
    private readonly core: Core,
    private readonly cursors: CursorKeeper,
    private readonly reads: Reads,
    private readonly summaries: Summaries,
  ) {}

  /** For so many milliseconds, or for ever. Fails with a sentence for people, as the others do. */
  async mute(conversation: string, on: boolean, forMs?: number): Promise<void> {
    const until = forMs === undefined ? {} : { until: new Date(Date.now() + forMs).toISOString() };
    await this.core.socket.command({ type: 'conversation.mute', conversation, on, ...until });
  }

  async archive(conversation: string, on: boolean): Promise<void> {
    await this.core.socket.command({ type: 'conversation.archive', conversation, on });
  }

  async markUnread(conversation: string): Promise<void> {
    // A read that comes behind the mark would end it.
    this.reads.flush();
    await this.core.socket.command({ type: 'conversation.mark', conversation, unread: true });
  }

  welcomed({ time }: Welcome): void {
    this.knownUntil ??= Date.parse(time) - LISTED_MS;
  }

  noticed(notice: Notice): void {
    const { core } = this;
    this.cursors.move('self', notice.seq);
    const mark = marked(notice);
    if (!mark) return;
    if (core.state.link.kind === 'online') {
      core.update(state => withMarks(state, mark.conversation, mark.marks));
    } else if (Date.parse(notice.at) > (this.knownUntil ?? 0)) {
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
