// Programs to begin with, besides the one that the server has for each language: each has edges
// that tests can find.

export const EXAMPLES = [
  {
    language: 'python',
    name: 'Shopping cart',
    code: `class Cart:
    """Items by name, with a price in cents and a quantity."""

    def __init__(self):
        self._items = {}

    def add(self, name, price, quantity=1):
        if price < 0 or quantity < 1:
            raise ValueError("price must not be negative, quantity at least 1")
        old_price, old_quantity = self._items.get(name, (price, 0))
        if old_price != price:
            raise ValueError(f"{name} already costs {old_price}")
        self._items[name] = (price, old_quantity + quantity)

    def remove(self, name):
        self._items.pop(name, None)

    def total(self, discount_percent=0):
        if not 0 <= discount_percent <= 100:
            raise ValueError("discount_percent must be from 0 to 100")
        cents = sum(price * quantity for price, quantity in self._items.values())
        return cents - cents * discount_percent // 100
`,
  },
  {
    language: 'javascript',
    name: 'Durations',
    code: `const SECONDS = { s: 1, m: 60, h: 3600, d: 86400 };

/**
 * Seconds of a duration like "1h30m".
 * @param {string} text
 * @returns {number}
 */
function parseDuration(text) {
  const parts = [...text.matchAll(/(\\d+)([smhd])/g)];
  const read = parts.map(([part]) => part).join('');
  if (read === '' || read !== text) throw new Error('not a duration: ' + text);
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * SECONDS[unit], 0);
}

function formatDuration(seconds) {
  if (seconds === 0) return '0s';
  let rest = seconds;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's']) {
    const amount = Math.floor(rest / SECONDS[unit]);
    if (amount > 0) text += amount + unit;
    rest %= SECONDS[unit];
  }
  return text;
}

module.exports = { parseDuration, formatDuration };
`,
  },
  {
    language: 'typescript',
    name: 'Least recently used cache',
    code: `/** Keeps the entries that were used last. */
export class LruCache<K, V> {
  private readonly entries = new Map<K, V>();

  constructor(private readonly capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError("capacity must be a positive integer");
    }
  }

  get(key: K): V | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, value);
    }
    return value;
  }

  set(key: K, value: V): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size > this.capacity) {
      this.entries.delete(this.entries.keys().next().value as K);
    }
  }

  get size(): number {
    return this.entries.size;
  }
}
`,
  },
  {
    language: 'java',
    name: 'Fractions',
    code: `/** An exact fraction in lowest terms, its denominator positive. */
public final class Fraction {
    private final long numerator;
    private final long denominator;

    public Fraction(long numerator, long denominator) {
        if (denominator == 0) {
            throw new IllegalArgumentException("the denominator must not be 0");
        }
        long divisor = gcd(Math.abs(numerator), Math.abs(denominator));
        long sign = denominator < 0 ? -1 : 1;
        this.numerator = sign * numerator / divisor;
        this.denominator = sign * denominator / divisor;
    }

    public Fraction plus(Fraction other) {
        return new Fraction(
                numerator * other.denominator + other.numerator * denominator,
                denominator * other.denominator);
    }

    public int compareTo(Fraction other) {
        return Long.compare(numerator * other.denominator, other.numerator * denominator);
    }

    @Override
    public String toString() {
        return denominator == 1 ? "" + numerator : numerator + "/" + denominator;
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
`,
  },
];
