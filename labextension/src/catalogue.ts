import type { ITranslator } from '@jupyterlab/translation';

/** What draws text: a literal English string in, the user's language out. `%1` is the first argument. */
export interface ICatalogue {
  __(text: string, ...values: (string | number)[]): string;
}

type Messages = Record<string, string>;

// Each language is a file of its own that is fetched when it is chosen.
const LANGUAGES: Record<string, () => Promise<{ default: Messages }>> = {
  es: () => import('./locale/es.json'),
  it: () => import('./locale/it.json'),
  pt: () => import('./locale/pt.json'),
  ru: () => import('./locale/ru.json'),
  sv: () => import('./locale/sv.json')
};

/** Fill a message with its values. */
export function fill(message: string, values: readonly (string | number)[]): string {
  return message.replace(/%(\d)/g, (whole, digit) => String(values[Number(digit) - 1] ?? whole));
}

/** The catalogue of the language that JupyterLab is shown in. English until it has come. */
export class Catalogue implements ICatalogue {
  constructor(translator: ITranslator | null) {
    const language = (translator?.languageCode ?? 'en').slice(0, 2).toLowerCase();
    const load = LANGUAGES[language];
    this.ready = load ? load().then(found => void (this._messages = found.default)) : Promise.resolve();
  }

  /** Settled when texts can be asked for. */
  readonly ready: Promise<void>;

  __(text: string, ...values: (string | number)[]): string {
    return fill(this._messages[text] || text, values);
  }

  private _messages: Messages = {};
}
