/** How many replicas a load needs, by the documents' formula; in whole numbers, so that no rounding adds a replica. Pure. */

interface IFraction {
  over: bigint;
  under: bigint;
}

/** `12.5` or `1e3` as a fraction; null where it is no number from 0 on. */
function fraction(text: string): IFraction | null {
  const match = /^(\d{1,15})(?:[.,](\d{1,15}))?$/.exec(text.trim());
  if (!match) {
    return null;
  }
  const digits = match[2] ?? '';
  return { over: BigInt(match[1]! + digits), under: BigInt(10) ** BigInt(digits.length) };
}

/** `ceil(requests per second × seconds of one / (utilisation × concurrent requests of a replica))`, at least 1. */
export function replicasFor(rps: string, seconds: string, percent: string, concurrent: string): number | null {
  const [load, time, share, slots] = [rps, seconds, percent, concurrent].map(fraction);
  if (!load || !time || !share || !slots || share.over > share.under * BigInt(100)) {
    return null;
  }
  const over = load.over * time.over * BigInt(100) * share.under * slots.under;
  const under = load.under * time.under * share.over * slots.over;
  if (under === BigInt(0) || slots.over < slots.under) {
    return null;
  }
  const zero = BigInt(0);
  const whole = over / under + (over % under === zero ? zero : BigInt(1));
  return Math.max(1, Number(whole));
}

/** Whether two answers say the same; numbers may differ by rounding. */
export function sameAnswer(one: string, other: string): boolean {
  try {
    return alike(JSON.parse(one), JSON.parse(other));
  } catch {
    return one.trim() === other.trim();
  }
}

function alike(one: unknown, other: unknown): boolean {
  if (typeof one === 'number' && typeof other === 'number') {
    return Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(one), Math.abs(other));
  }
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, i) => alike(item, other[i]));
  }
  if (one && other && typeof one === 'object' && typeof other === 'object' && !Array.isArray(one) && !Array.isArray(other)) {
    const keys = Object.keys(one);
    return (
      keys.length === Object.keys(other).length &&
      keys.every(key => key in other && alike((one as any)[key], (other as any)[key]))
    );
  }
  return one === other;
}
