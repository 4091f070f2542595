/** Minutes since midnight. */
export type Minutes = number;

export interface Slot {
  readonly start: Minutes;
  readonly end: Minutes;
}

export interface Booking extends Slot {
  readonly id: number;
  readonly title: string;
}

export type BookingResult =
  | { readonly ok: true; readonly booking: Booking }
  | { readonly ok: false; readonly reason: 'closed' | 'taken' | 'empty' };

export enum Room {
  Small = 'small',
  Large = 'large',
}

export function parseTime(text: string): Minutes {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (!match) throw new SyntaxError(`not a time: ${text}`);
  return Number(match[1]) * 60 + Number(match[2]);
}

export function formatTime(minutes: Minutes): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

const overlap = (a: Slot, b: Slot): boolean => a.start < b.end && b.start < a.end;

export class Schedule {
  private readonly bookings = new Map<Room, Booking[]>();
  private nextId = 1;

  constructor(private readonly open: Slot) {}

  book(room: Room, slot: Slot, title: string): BookingResult {
    if (slot.end <= slot.start) return { ok: false, reason: 'empty' };
    if (slot.start < this.open.start || slot.end > this.open.end) {
      return { ok: false, reason: 'closed' };
    }
    const taken = this.of(room);
    if (taken.some((other) => overlap(other, slot))) return { ok: false, reason: 'taken' };
    const booking: Booking = { ...slot, title, id: this.nextId++ };
    this.bookings.set(room, [...taken, booking].sort((a, b) => a.start - b.start));
    return { ok: true, booking };
  }

  cancel(id: number): boolean {
    for (const [room, bookings] of this.bookings) {
      const kept = bookings.filter((booking) => booking.id !== id);
      if (kept.length < bookings.length) {
        this.bookings.set(room, kept);
        return true;
      }
    }
    return false;
  }

  of(room: Room): readonly Booking[] {
    return this.bookings.get(room) ?? [];
  }

  free(room: Room, atLeast: Minutes = 1): Slot[] {
    const gaps: Slot[] = [];
    let start = this.open.start;
    for (const booking of [...this.of(room), { start: this.open.end, end: this.open.end }]) {
      if (booking.start - start >= atLeast) gaps.push({ start, end: booking.start });
      start = booking.end;
    }
    return gaps;
  }
}
