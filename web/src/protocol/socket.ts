// The protocol's client: one connection that comes back, resumes where it was, and sends what has no answer yet again.
// Knows nothing of pages.
import { uuidv7 } from '../shared/ids.ts';
import { backoff } from './backoff.ts';
import {
  parseFrame,
  type Ack,
  type CommandBody,
  type Ephemeral,
  type Events,
  type ServerFrame,
  type TidingsEvent,
} from './frames.ts';
import { Sequence } from './sequence.ts';

/** A connection that has no welcome by then is given up. */
const WELCOME_MS = 10_000;
/** A command that has no answer by then fails. It may have taken effect: its repeat with the same id tells. */
const ANSWER_MS = 30_000;
const RETRY_MS = 500;
const CHECK_MS = 5_000;
/** Events that one `fetch` may ask for. */
const FETCH_MAX = 1_000;
/** Codes of the WebSocket itself and of Tidings after which coming back makes no sense. */
const FINAL = (code: number): boolean => code >= 4500 || code === 1009;
const NO_VALID_TOKEN = 4501;

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
  ephemeral(frame: Ephemeral): void;
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
  listener: SocketListener;
  open?(url: string): WebSocket;
}

interface Flight {
  object: string;
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
  private heartbeatMs = 25_000;
  private selfSeq: number | undefined;
  private tokenRefused = false;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private check: ReturnType<typeof setInterval> | undefined;

  /** Cursors of all conversations that should be resumed. */
  readonly resume = new Set<string>();

  constructor(private readonly options: SocketOptions) {}

  start(): void {
    this.check = setInterval(() => this.checkLife(), CHECK_MS);
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.check);
    clearTimeout(this.timer);
    this.forget()?.close(1000);
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

  /** Does a command. It is sent again over new connections, with the same id, until there is an answer. */
  async command(body: CommandBody, id = uuidv7()): Promise<Ack> {
    return (await this.ask({ ...body, id }, id)) as Ack;
  }

  async fetch(conversation: string, from: number, limit: number): Promise<Events> {
    const id = uuidv7();
    return (await this.ask({ type: 'fetch', id, conversation, from, limit }, id)) as Events;
  }

  typing(conversation: string, on: boolean): void {
    if (this.greeted) this.write(JSON.stringify({ type: 'typing', conversation, on }));
  }

  /** Renews the session with a new token. */
  renew(token: string): void {
    if (this.greeted) this.write(JSON.stringify({ type: 'hello', token, device: this.options.device }));
  }

  private ask(object: object, id: string): Promise<Ack | Events> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.land(id);
        reject(new Refusal('timeout', 'There was no answer.'));
      }, ANSWER_MS);
      const text = JSON.stringify(object);
      this.flights.set(id, { object: text, resolve, reject, deadline });
      if (this.greeted) this.write(text);
    });
  }

  private write(text: string): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  /** Takes a command off those without an answer. */
  private land(id: string): Flight | undefined {
    const flight = this.flights.get(id);
    if (!flight) return undefined;
    clearTimeout(flight.deadline);
    clearTimeout(flight.retry);
    this.flights.delete(id);
    return flight;
  }

  private async connect(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.forget()?.close();
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
    this.heardAt = Date.now();
    socket.onopen = () => {
      const resume: Record<string, number> = {};
      for (const conversation of this.resume) resume[conversation] = this.sequence.cursor(conversation) ?? 0;
      if (this.selfSeq !== undefined) resume['self'] = this.selfSeq;
      socket.send(JSON.stringify({ type: 'hello', token, device: this.options.device, resume }));
    };
    socket.onmessage = message => this.receive(String(message.data));
    socket.onclose = closed => this.closed(closed.code, closed.reason);
  }

  private receive(text: string): void {
    this.heardAt = Date.now();
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

  /** Fetches what is missing until nothing of the conversation waits. */
  private async fill(conversation: string): Promise<void> {
    for (let hole = this.sequence.hole(conversation); hole; hole = this.sequence.hole(conversation)) {
      const found = await this.fetch(conversation, hole.from, Math.min(hole.to - hole.from + 1, FETCH_MAX));
      this.receive(found.events.map(event => JSON.stringify(event)).join('\n'));
      if (this.sequence.hole(conversation)?.from === hole.from)
        throw new Refusal('not_found', 'Nothing was there.');
    }
  }

  private handle(frame: Exclude<ServerFrame, TidingsEvent>): void {
    const { listener } = this.options;
    switch (frame.type) {
      case 'welcome':
        this.welcomed(frame.heartbeat_ms);
        break;
      case 'synced':
        this.tries = 0;
        listener.link({ kind: 'online' });
        listener.synced();
        break;
      case 'gap': {
        this.resume.add(frame.conversation);
        listener.gap(frame.conversation, frame.from, frame.to);
        const freed = this.sequence.advance(frame.conversation, frame.to);
        if (freed.length > 0) listener.events(freed);
        break;
      }
      case 'ack':
      case 'events':
        this.land(frame.id)?.resolve(frame);
        break;
      case 'error':
        if (frame.id !== undefined) this.refused(frame.id, frame);
        break;
      case 'notice':
        this.selfSeq = Math.max(this.selfSeq ?? 0, frame.seq);
        break;
      case 'typing':
      case 'receipt':
      case 'presence':
        listener.ephemeral(frame);
        break;
      case 'close':
        this.closed(frame.code, frame.reason, frame.retry_after_ms);
        break;
    }
  }

  private welcomed(heartbeatMs: number): void {
    this.heartbeatMs = heartbeatMs;
    this.tokenRefused = false;
    // A later welcome answers a renewal.
    if (this.greeted) return;
    this.greeted = true;
    this.options.listener.link({ kind: 'catching-up' });
    for (const flight of this.flights.values()) this.write(flight.object);
  }

  private refused(
    id: string,
    error: { code: string; message: string; retryable: boolean; retry_after_ms?: number },
  ): void {
    const flight = this.flights.get(id);
    if (!flight) return;
    if (error.retryable) {
      clearTimeout(flight.retry);
      flight.retry = setTimeout(
        () => this.greeted && this.write(flight.object),
        error.retry_after_ms ?? RETRY_MS,
      );
    } else {
      this.land(id)?.reject(new Refusal(error.code, error.message));
    }
  }

  private closed(code: number, reason: string, retryAfterMs = 0): void {
    this.forget()?.close();
    if (this.stopped) return;
    if (code === NO_VALID_TOKEN && !this.tokenRefused) {
      // Another token may be taken.
      this.tokenRefused = true;
      this.comeBack();
    } else if (FINAL(code)) {
      this.end(reason || `The server closed the connection (${code}).`);
    } else {
      this.comeBack(retryAfterMs);
    }
  }

  private comeBack(atLeastMs = 0): void {
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

  private checkLife(): void {
    if (!this.socket) return;
    const silence = Date.now() - this.heardAt;
    if (silence > (this.greeted ? this.heartbeatMs * 2 : WELCOME_MS)) this.drop();
    else if (this.greeted && silence > this.heartbeatMs) this.write('{"type":"ping"}');
  }
}
