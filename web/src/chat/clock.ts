// What time it is by the server's clock: it says when things end. Clocks of devices may be hours off.

export class Clock {
  /** How far the server's clock is ahead of this device's, in milliseconds. */
  private ahead = 0;

  /** The server has said what time it is. */
  heard(time: string): void {
    const at = Date.parse(time);
    if (!Number.isNaN(at)) this.ahead = at - Date.now();
  }

  /** In milliseconds; by this device's clock until the server has said. */
  readonly now = (): number => Date.now() + this.ahead;
}
