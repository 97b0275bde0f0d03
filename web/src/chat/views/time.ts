// Times as people read them.

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const moment = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const longDay = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});

export const sameDay = (a: string, b: string): boolean =>
  new Date(a).toDateString() === new Date(b).toDateString();

export const clockTime = (at: string): string => clock.format(new Date(at));

export const dayName = (at: string): string => longDay.format(new Date(at));

/** The hour of what happened today, else the day. */
export function shortTime(at: string, now = new Date()): string {
  return sameDay(at, now.toISOString()) ? clockTime(at) : day.format(new Date(at));
}

/** Until when something goes on; null for ever. */
export const untilText = (until: string | null, now: number): string =>
  until === null
    ? 'until somebody ends it'
    : `until ${sameDay(until, new Date(now).toISOString()) ? clockTime(until) : moment.format(new Date(until))}`;

/** How long something takes, roughly and never less than it does. */
export function waitText(ms: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1_000],
  ] as const;
  const [unit, size] = units.find(([, size]) => ms > size) ?? units[3];
  const count = Math.max(1, Math.ceil(ms / size));
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
