// Times as people read them.

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
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
