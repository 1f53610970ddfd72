/** Numbers as people read them; the same as in the notebook's panels. Pure. */

export function seconds(value: number): string {
  if (value < 0.0995) {
    return `${Math.round(value * 1000)} ms`;
  }
  if (value < 9.95) {
    return `${value.toFixed(1)} s`;
  }
  if (value < 119.5) {
    return `${Math.round(value)} s`;
  }
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function bytes(value: number | null): string {
  if (value === null) {
    return '–';
  }
  let size = value;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (size < 1024 || unit === 'GiB') {
      return `${size < 10 && unit !== 'B' ? size.toFixed(1) : Math.round(size)} ${unit}`;
    }
    size /= 1024;
  }
  return '';
}

export function milliseconds(value: number | null): string {
  return value === null ? '–' : `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** `12 408`, with a narrow space that does not break. */
export function thousands(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export function shortHash(value: string): string {
  return value.slice(0, 7);
}

export function moment(epoch: number): string {
  const date = new Date(epoch * 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function capitalised(text: string): string {
  // A name of the script's keeps its letters: `init()`.
  return /^\S*\(/.test(text)
    ? text
    : text.charAt(0).toUpperCase() + text.slice(1);
}
