/** The `%%deploy` line of a cell, and the script below it. Pure. */

/** What stands in the place of the magic in a cell's script; the same text as in `capture/cell.py`. */
const MAGIC_LINE = '# The magic of the cell stands in this line.';

const DEPLOY = /^\s*%%deploy(?:[ \t]+(.*))?$/;

/** The name of the service that a cell deploys, or null if it is no such cell. */
export function deployedBy(source: string): string | null {
  const match = DEPLOY.exec(source.split('\n', 1)[0] ?? '');
  if (!match) {
    return null;
  }
  return match[1]?.trim().split(/\s+/, 1)[0] ?? '';
}

/** The script that the cell stands for, as the magic makes it. */
export function scriptOf(source: string): string {
  const body = source.replace(/\r\n?/g, '\n').split('\n').slice(1).join('\n').replace(/^\ufeff/, '').trimEnd();
  return body ? `${MAGIC_LINE}\n${body}\n` : `${MAGIC_LINE}\n`;
}

/** SHA-256 in hexadecimal digits, or "" where the browser has none (pages without TLS). */
export async function hashOf(script: string): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    return '';
  }
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new TextEncoder().encode(script));
  return [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

/** The line of the cell that a diagnosis names (`cell [4], line 6`), or 0. */
export function lineOf(where: string): number {
  const match = /^cell\b.*\bline (\d+)$/.exec(where);
  return match ? Number(match[1]) : 0;
}

interface IFailure {
  where?: unknown;
  title?: unknown;
  stage?: unknown;
  proof?: unknown;
}

/** Every line of the cell that a failure names, with what is said of it there: problems of a script have a line each. */
export function linesOf(failure: IFailure, title: string): { line: number; title: string }[] {
  const line = lineOf(String(failure.where ?? ''));
  if (line) {
    return [{ line, title }];
  }
  if (failure.stage !== 'check' || !Array.isArray(failure.proof)) {
    return [];
  }
  return failure.proof.flatMap(proof => {
    const [, number, said] = /^cell\b[^:]*\bline (\d+): (.+)$/s.exec(String(proof?.text ?? '')) ?? [];
    return number ? [{ line: Number(number), title: said! }] : [];
  });
}
