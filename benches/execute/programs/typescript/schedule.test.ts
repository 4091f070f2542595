import { BookingResult, Room, Schedule, Slot, formatTime, parseTime } from './schedule';

const slot = (start: string, end: string): Slot => ({ start: parseTime(start), end: parseTime(end) });

function idOf(result: BookingResult): number {
  if (!result.ok) throw new Error(result.reason);
  return result.booking.id;
}

describe('times', () => {
  test.each<[string, number]>([['00:00', 0], ['09:30', 570], ['23:59', 1439]])('reads %s', (text, minutes) => {
    expect(parseTime(text)).toBe(minutes);
    expect(formatTime(minutes)).toBe(text);
  });

  test('refuses what is none', () => {
    expect(() => parseTime('24:00')).toThrow(SyntaxError);
  });
});

describe('Schedule', () => {
  let schedule: Schedule;

  beforeEach(() => {
    schedule = new Schedule(slot('08:00', '18:00'));
  });

  it('books a room', () => {
    const result = schedule.book(Room.Small, slot('09:00', '10:00'), 'stand-up');
    expect(result).toMatchObject({ ok: true, booking: { title: 'stand-up', start: 540 } });
  });

  it('refuses what overlaps, in the same room only', () => {
    schedule.book(Room.Small, slot('09:00', '10:00'), 'stand-up');
    const again = slot('09:59', '11:00');
    expect(schedule.book(Room.Small, again, 'review')).toEqual({ ok: false, reason: 'taken' });
    expect(schedule.book(Room.Large, again, 'review').ok).toBe(true);
  });

  it('refuses hours when it is closed', () => {
    expect(schedule.book(Room.Small, slot('17:30', '18:30'), 'late')).toEqual({ ok: false, reason: 'closed' });
  });

  it('refuses a slot of no length', () => {
    expect(schedule.book(Room.Small, slot('09:00', '09:00'), 'nothing')).toEqual({ ok: false, reason: 'empty' });
  });

  it('finds the gaps between bookings', () => {
    schedule.book(Room.Large, slot('12:00', '13:00'), 'lunch');
    schedule.book(Room.Large, slot('08:00', '09:00'), 'planning');
    expect(schedule.free(Room.Large, 60)).toEqual([slot('09:00', '12:00'), slot('13:00', '18:00')]);
  });

  it('cancels once', () => {
    const id = idOf(schedule.book(Room.Small, slot('09:00', '10:00'), 'stand-up'));
    expect([schedule.cancel(id), schedule.cancel(id)]).toEqual([true, false]);
  });
});
