/** Fill a message with its values: `%1` is the first. Pure. */
export function fill(message: string, values: readonly (string | number)[]): string {
  return message.replace(/%(\d)/g, (whole, digit) => String(values[Number(digit) - 1] ?? whole));
}
