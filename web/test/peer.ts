// The other side of a WebSocket, scripted by the tests.

type Frame = Record<string, unknown> & { type: string };

export class Peer {
  closed = false;
  /** The code that the page has closed it with. */
  code: number | undefined;
  private sent: string[] = [];
  /** What the page holds in its hands. */
  readonly socket: WebSocket;

  constructor() {
    const peer = this;
    this.socket = {
      readyState: 0,
      onopen: null,
      onmessage: null,
      onclose: null,
      send(text: string) {
        peer.sent.push(text);
      },
      close(code?: number) {
        peer.closed = true;
        peer.code = code;
      },
    } as unknown as WebSocket;
  }

  opens(): void {
    (this.socket as { readyState: number }).readyState = 1;
    this.socket.onopen?.({} as Event);
  }

  /** Objects come in one frame. */
  says(...objects: object[]): void {
    const data = objects.map(object => JSON.stringify(object)).join('\n');
    this.socket.onmessage?.({ data } as MessageEvent);
  }

  hangsUp(code: number): void {
    (this.socket as { readyState: number }).readyState = 3;
    this.socket.onclose?.({ code, reason: '' } as CloseEvent);
  }

  /** What the page has sent since the last time. */
  taken(): Frame[] {
    return this.sent.splice(0).flatMap(text => text.split('\n').map(object => JSON.parse(object) as Frame));
  }

  /** The ids of the commands among that. */
  ids(): unknown[] {
    return this.taken().flatMap(frame => ('id' in frame ? [frame.id] : []));
  }
}
