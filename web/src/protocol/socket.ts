// The protocol's client: one connection that comes back, resumes where it was, and sends what has no answer yet again.
// Knows nothing of pages.
import { uuidv7 } from '../shared/ids.ts';
import { asked } from '../shared/wait.ts';
import { backoff } from './backoff.ts';
import {
  parseFrame,
  type Ack,
  type CommandBody,
  type Ephemeral,
  type ErrorFrame,
  type Events,
  type Notice,
  type ServerFrame,
  type TidingsEvent,
  type Welcome,
} from './frames.ts';
import { Sequence } from './sequence.ts';

/** A connection that has no welcome by then is given up. */
const WELCOME_MS = 10_000;
/** A command that has no answer by then fails. It may have taken effect: its repeat with the same id tells. */
const ANSWER_MS = 30_000;
/** A command that is refused for now is sent again after the first of these, and twice as late each time, up to the other. */
const RETRY_MS = 500;
const RETRY_MAX_MS = 10_000;
const CHECK_MS = 5_000;
/** After so much silence the server is asked whether it is there, however seldom it says that it is heard. */
const HEARTBEAT_MAX_MS = 240_000;
/** A ping without an answer for so long means that the connection is dead. */
const PONG_MS = 10_000;
/** A connection that stood for so long was a good one: the next try need not wait for long. */
const GOOD_MS = 10_000;
/** Events that one `fetch` may ask for. */
const FETCH_MAX = 1_000;
/** Cursors in one frame, so that it is no larger than servers take. */
const CURSORS_MAX = 800;
/** Codes of the WebSocket itself and of Tidings after which coming back makes no sense: they blame what was sent. */
export const isFinal = (code: number): boolean =>
  (code >= 4500 && code <= 4999) || [1002, 1003, 1007, 1008, 1009].includes(code);
const NO_VALID_TOKEN = 4501;
/** What a socket is closed with. 1000 or no code at all would prove to the server that everything that came has been handled, and what the
 * browser has read and not handed over, or what waits behind a hole, has not. 1001 is not a page's to say. */
const LEAVING = 3000;
/** `readyState` of a socket that can be written to. */
const OPEN = 1;

export type Link =
  | { kind: 'connecting' }
  | { kind: 'catching-up' }
  | { kind: 'online' }
  | { kind: 'waiting'; until: number }
  | { kind: 'ended'; reason: string };

/** A command's refusal, or `timeout` when there was no answer. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly field?: string,
    /** How long to wait before it is asked for again, where the server says so. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

export interface SocketListener {
  link(link: Link): void;
  /** Events in order; of each conversation each once. */
  events(events: TidingsEvent[]): void;
  /** Events `from` to `to` will not come by themselves. */
  gap(conversation: string, from: number, to: number): void;
  /** The log of a conversation ends at `head`, before what was seen of it: it went back, and what comes next is new. */
  rewound(conversation: string, head: number): void;
  ephemeral(frame: Ephemeral): void;
  /** The server did not take something that was said in passing, under this id. */
  refused(id: string, error: ErrorFrame): void;
  notice(notice: Notice): void;
  /** The server has taken the hello, and said what it allows. */
  welcomed(welcome: Welcome): void;
  /** Everything missed has come. */
  synced(): void;
}

export interface SocketOptions {
  /** Address of `/ws`. */
  url: string;
  /** The same each time this browser returns. */
  device: string;
  /** A valid token. `refused`: the last one was not taken. A failure is tried again later unless `fatal` says no. */
  token(refused: boolean): Promise<string>;
  fatal(error: unknown): boolean;
  /** Something that is said with each hello, in its frame, so that it counts from the beginning. */
  beside?(): object | null;
  listener: SocketListener;
  open?(url: string): WebSocket;
  /** A clock that only goes forward, in milliseconds. */
  now?(): number;
}

interface Flight {
  id: string;
  object: string;
  /** Of these, one at a time is on its way, so that none overtakes another. */
  lane: string | undefined;
  sent: boolean;
  refusals: number;
  /** Not to be sent before this. */
  after: number;
  /** When it is given up. */
  until: number;
  resolve(answer: Ack | Events): void;
  reject(refusal: Refusal): void;
  deadline: ReturnType<typeof setTimeout>;
  retry?: ReturnType<typeof setTimeout>;
}

export class Socket {
  readonly sequence = new Sequence();
  private socket: WebSocket | undefined;
  private greeted = false;
  private readonly flights = new Map<string, Flight>();
  private tries = 0;
  private heardAt = 0;
  private pingedAt: number | undefined;
  private syncedAt: number | undefined;
  private heartbeatMs = 25_000;
  private selfSeq: number | undefined;
  private tokenRefused = false;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private check: ReturnType<typeof setInterval> | undefined;

  /** Cursors of all conversations that should be resumed. */
  readonly resume = new Set<string>();

  private readonly now: () => number;

  constructor(private readonly options: SocketOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  start(): void {
    this.check = setInterval(() => this.checkLife(), CHECK_MS);
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.check);
    clearTimeout(this.timer);
    this.forget()?.close(LEAVING);
    for (const [id, flight] of this.flights) {
      this.land(id);
      flight.reject(new Refusal('unavailable', 'The connection has ended.'));
    }
  }

  /** Comes back at once, where it waits: the network has returned. */
  hurry(): void {
    if (this.timer === undefined || this.stopped) return;
    this.tries = 0;
    void this.connect();
  }

  /** Where this client stands in a conversation before any event of it came. */
  follow(conversation: string, cursor: number): void {
    if (this.sequence.cursor(conversation) === undefined) this.sequence.advance(conversation, cursor);
    this.resume.add(conversation);
  }

  /** The last notice that this client has seen before. */
  followSelf(seq: number): void {
    this.selfSeq ??= seq;
  }

  /** Does a command. It is sent again over new connections, with the same id, until there is an answer. */
  async command(body: CommandBody, id = uuidv7()): Promise<Ack> {
    // What changes a message must not overtake it.
    const lane = body.type.startsWith('message.') && 'conversation' in body ? body.conversation : undefined;
    return (await this.ask({ ...body, id }, id, lane)) as Ack;
  }

  async fetch(conversation: string, from: number, limit: number): Promise<Events> {
    const id = uuidv7();
    return (await this.ask({ type: 'fetch', id, conversation, from, limit }, id)) as Events;
  }

  typing(conversation: string, on: boolean): void {
    if (this.greeted) this.write(JSON.stringify({ type: 'typing', conversation, on }));
  }

  /** Says something that need not arrive. Over the next connection it is not said again. */
  ephemeral(object: { type: string; [field: string]: unknown }): void {
    if (this.greeted) this.write(JSON.stringify(object));
  }

  /** Renews the session with a new token. */
  renew(token: string): void {
    if (this.greeted) this.write(JSON.stringify({ type: 'hello', token, device: this.options.device }));
  }

  private ask(object: object, id: string, lane?: string): Promise<Ack | Events> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.land(id);
        reject(new Refusal('timeout', 'There was no answer.'));
      }, ANSWER_MS);
      const text = JSON.stringify(object);
      this.flights.set(id, {
        id,
        object: text,
        lane,
        sent: false,
        refusals: 0,
        after: 0,
        until: this.now() + ANSWER_MS,
        resolve,
        reject,
        deadline,
      });
      this.pump();
    });
  }

  /** Sends what may be sent now, in the order in which it was asked for. */
  private pump(): void {
    if (!this.greeted) return;
    const now = this.now();
    const busy = new Set<string>();
    for (const flight of this.flights.values()) {
      const free = flight.lane === undefined || !busy.has(flight.lane);
      if (flight.lane !== undefined) busy.add(flight.lane);
      if (flight.sent || !free || flight.after > now) continue;
      flight.sent = true;
      this.write(flight.object);
    }
  }

  private write(text: string): void {
    if (this.socket?.readyState === OPEN) this.socket.send(text);
  }

  /** Takes a command off those without an answer. */
  private land(id: string): Flight | undefined {
    const flight = this.flights.get(id);
    if (!flight) return undefined;
    clearTimeout(flight.deadline);
    clearTimeout(flight.retry);
    this.flights.delete(id);
    if (flight.lane !== undefined) this.pump();
    return flight;
  }

  private async connect(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.forget()?.close(LEAVING);
    this.options.listener.link({ kind: 'connecting' });
    let token: string;
    try {
      token = await this.options.token(this.tokenRefused);
    } catch (error) {
      if (this.options.fatal(error)) this.end('You are signed out.');
      else this.comeBack();
      return;
    }
    if (this.stopped) return;
    const open = this.options.open ?? ((url: string) => new WebSocket(url, 'tidings.v1'));
    const socket = open(this.options.url);
    this.socket = socket;
    this.heardAt = this.now();
    this.pingedAt = undefined;
    socket.onopen = () => {
      const [hello, ...others] = this.hello(token);
      const beside = this.options.beside?.();
      socket.send([hello, ...(beside ? [beside] : [])].map(part => JSON.stringify(part)).join('\n'));
      for (const part of others) socket.send(JSON.stringify(part));
    };
    socket.onmessage = message => this.receive(String(message.data));
    socket.onclose = closed => this.closed(closed.code, closed.reason);
  }

  /** Who is there and what was seen, in as many objects as the cursors need. */
  private hello(token: string): object[] {
    const cursors = [...this.resume].map(id => [id, this.sequence.cursor(id) ?? 0] as const);
    const parts: object[] = [];
    for (let first = 0; first === 0 || first < cursors.length; first += CURSORS_MAX) {
      const resume: Record<string, number> = Object.fromEntries(cursors.slice(first, first + CURSORS_MAX));
      if (first === 0 && this.selfSeq !== undefined) resume['self'] = this.selfSeq;
      const more = first + CURSORS_MAX < cursors.length;
      if (first > 0) parts.push({ type: 'resume', resume, more });
      else
        parts.push({
          type: 'hello',
          token,
          device: this.options.device,
          resume,
          ...(more ? { more } : {}),
        });
    }
    return parts;
  }

  private receive(text: string): void {
    this.heardAt = this.now();
    this.pingedAt = undefined;
    let events: TidingsEvent[] = [];
    const pass = (): void => {
      if (events.length > 0) this.options.listener.events(events);
      events = [];
    };
    for (const frame of parseFrame(text)) {
      if (frame.type === 'event') {
        events.push(...this.accept(frame));
      } else {
        // Whatever else there is keeps its place between the events.
        pass();
        this.handle(frame);
        if (!this.socket) return;
      }
    }
    pass();
  }

  private accept(event: TidingsEvent): TidingsEvent[] {
    this.resume.add(event.conversation);
    const accepted = this.sequence.accept(event);
    if (accepted.overrun) this.drop();
    if (accepted.hole) void this.fill(event.conversation).catch(() => this.drop());
    return accepted.events;
  }

  /** Fetches what is missing until nothing of the conversation waits. What cannot be had becomes a gap. */
  private async fill(conversation: string): Promise<void> {
    for (let hole = this.sequence.hole(conversation); hole; hole = this.sequence.hole(conversation)) {
      const { from, to } = hole;
      let next: number | undefined;
      try {
        const found = await this.fetch(conversation, from, Math.min(to - from + 1, FETCH_MAX));
        this.receive(found.events.map(event => JSON.stringify(event)).join('\n'));
        ({ next } = found);
      } catch (error) {
        // Without an answer there is no telling; a new connection brings it.
        if (!(error instanceof Refusal) || ['timeout', 'unavailable'].includes(error.code)) throw error;
      }
      const left = this.sequence.hole(conversation);
      if (left?.from === from) this.leaveOut(conversation, from, Math.min(left.to, (next ?? Infinity) - 1));
    }
  }

  private leaveOut(conversation: string, from: number, to: number): void {
    const { listener } = this.options;
    listener.gap(conversation, from, to);
    const freed = this.sequence.advance(conversation, to);
    if (freed.length > 0) listener.events(freed);
  }

  private handle(frame: Exclude<ServerFrame, TidingsEvent>): void {
    const { listener } = this.options;
    switch (frame.type) {
      case 'welcome':
        this.welcomed(frame);
        break;
      case 'synced':
        this.syncedAt = this.now();
        listener.link({ kind: 'online' });
        listener.synced();
        break;
      case 'gap':
        this.resume.add(frame.conversation);
        this.leaveOut(frame.conversation, frame.from, frame.to);
        break;
      case 'ack':
      case 'events':
        this.land(frame.id)?.resolve(frame);
        break;
      case 'error':
        if (frame.id !== undefined) this.refused(frame.id, frame);
        else if (frame.field === 'resume' && frame.head !== undefined)
          this.rewind(frame.conversation, frame.head);
        break;
      case 'notice':
        // One that was seen already may come again, where a cursor was not stored in time.
        if (frame.seq <= (this.selfSeq ?? 0)) break;
        this.selfSeq = frame.seq;
        listener.notice(frame);
        break;
      case 'typing':
      case 'receipt':
      case 'presence':
      case 'presence.count':
      case 'presence.state':
        listener.ephemeral(frame);
        break;
      case 'close':
        this.closed(frame.code, frame.reason, frame.retry_after_ms);
        break;
    }
  }

  private welcomed(welcome: Welcome): void {
    this.heartbeatMs = Math.min(welcome.heartbeat_ms, HEARTBEAT_MAX_MS);
    this.tokenRefused = false;
    // A later welcome answers a renewal.
    if (this.greeted) return;
    this.greeted = true;
    this.options.listener.welcomed(welcome);
    this.options.listener.link({ kind: 'catching-up' });
    for (const flight of this.flights.values()) flight.sent = false;
    this.pump();
  }

  /** The log went back behind a cursor: it stands there now, lest what comes next be taken for repeats. */
  private rewind(conversation: string | undefined, head: number): void {
    if (conversation === undefined) {
      this.selfSeq = Math.min(head, this.selfSeq ?? head);
    } else if ((this.sequence.cursor(conversation) ?? 0) > head) {
      this.sequence.rewind(conversation, head);
      if (head === 0) this.resume.delete(conversation);
      this.options.listener.rewound(conversation, head);
    }
  }

  private refused(id: string, error: ErrorFrame): void {
    const flight = this.flights.get(id);
    if (!flight) return this.options.listener.refused(id, error);
    // A rule that lets one thing happen so often, as slow mode does, may say to wait for longer than anybody waits here.
    const isOver = error.field !== undefined && (error.retry_after_ms ?? 0) > flight.until - this.now();
    if (error.retryable && !isOver) {
      const pause = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(flight.refusals, 8));
      const wait = Math.max(pause, asked(error.retry_after_ms));
      flight.refusals += 1;
      flight.sent = false;
      flight.after = this.now() + wait;
      clearTimeout(flight.retry);
      flight.retry = setTimeout(() => {
        flight.after = 0;
        this.pump();
      }, wait);
    } else {
      const { code, message, field, retry_after_ms: wait } = error;
      this.land(id)?.reject(new Refusal(code, message, field, wait));
    }
  }

  private closed(code: number, reason: string, retryAfterMs = 0): void {
    this.forget()?.close(LEAVING);
    if (this.stopped) return;
    if (code === NO_VALID_TOKEN && !this.tokenRefused) {
      // Another token may be taken.
      this.tokenRefused = true;
      this.comeBack();
    } else if (isFinal(code)) {
      this.end(reason || `The server closed the connection (${code}).`);
    } else {
      this.comeBack(retryAfterMs);
    }
  }

  private comeBack(atLeastMs = 0): void {
    if (this.syncedAt !== undefined && this.now() - this.syncedAt > GOOD_MS) this.tries = 0;
    this.syncedAt = undefined;
    const wait = backoff(this.tries, atLeastMs);
    this.tries += 1;
    this.timer = setTimeout(() => void this.connect(), wait);
    this.options.listener.link({ kind: 'waiting', until: Date.now() + wait });
  }

  private end(reason: string): void {
    this.stop();
    this.options.listener.link({ kind: 'ended', reason });
  }

  /** Gives up a connection that seems dead, and comes back. */
  private drop(): void {
    if (this.socket) this.closed(1006, '');
  }

  /** Lets go of the connection: nothing of it is heard any more. */
  private forget(): WebSocket | undefined {
    const socket = this.socket;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    this.socket = undefined;
    this.greeted = false;
    this.sequence.dropWaiting();
    return socket;
  }

  /** Browsers run this once a minute in a hidden tab: silence alone means nothing, only a ping without an answer does. */
  private checkLife(): void {
    if (!this.socket) return;
    const now = this.now();
    const silence = now - this.heardAt;
    if (!this.greeted) {
      if (silence > WELCOME_MS) this.drop();
    } else if (this.pingedAt !== undefined) {
      if (now - this.pingedAt >= PONG_MS) this.drop();
    } else if (silence > this.heartbeatMs) {
      this.pingedAt = now;
      this.write('{"type":"ping"}');
    }
  }
}
