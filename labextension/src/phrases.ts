/** Sentences that the package makes from fixed patterns, found again and told in another language. Pure. */

import { fill } from './filling';
import known from './locale/phrases.json';

type Messages = Readonly<Record<string, string>>;

/**
 * The patterns, which notebooks share. What stands in their places is a letter each: `w` one word, `n` a number, `f` the name of a
 * file or cell, `t` any text, which stays as it is; `s` the name of a stage, `p` a phrase, which are translated in their turn. The
 * first that fits is taken; a last full stop may be there or not.
 */
export const PHRASES: Readonly<Record<string, Places>> = known;

type Places = string;

export const STAGES = ['register', 'build', 'push', 'schedule', 'launch', 'init', 'ready', 'run', 'reload', 'check'];

/** Key of a stage in the catalogue: what is ready may be another word elsewhere. */
export function keyOfStage(stage: string): string {
  return `stage: ${stage}`;
}

export function stageIn(messages: Messages, stage: string): string {
  return messages[keyOfStage(stage)] || stage;
}

const SHAPES: Record<string, string> = { w: '(\\S+)', s: '([a-z]+)', n: '([\\d.]+)', f: '([^()]+)', t: '([^]+)', p: '([^]+)' };

let compiled: [RegExp, string, Places][] | null = null;

function patterns(): [RegExp, string, Places][] {
  compiled ??= Object.entries(PHRASES).map(([pattern, places]) => {
    const literal = pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const shape = literal.replace(/%(\d)/g, (_, digit) => SHAPES[places[Number(digit) - 1]!]!);
    return [new RegExp(`^${shape}$`), pattern, places];
  });
  return compiled;
}

/** The text in the language of the messages, as far as it is made from patterns; what tools and scripts say stays as it is. */
export function phraseIn(messages: Messages, text: string): string {
  if (messages[text]) {
    return messages[text];
  }
  const whole = text.endsWith('.') && !text.endsWith('..');
  const core = whole ? text.slice(0, -1) : text;
  for (const [shape, pattern, places] of patterns()) {
    const found = shape.exec(core);
    const message = found && messages[pattern];
    if (message) {
      const values = found.slice(1).map((value, i) => {
        switch (places[i]) {
          case 's':
            return stageIn(messages, value);
          case 'p':
            return phraseIn(messages, value);
          default:
            return value;
        }
      });
      return fill(message, values) + (whole ? '.' : '');
    }
  }
  return text;
}
