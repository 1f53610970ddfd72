import type { ITranslator } from '@jupyterlab/translation';
import { fill } from './filling';
import { inLanguage, type Pages } from './pages';
import { phraseIn, stageIn } from './phrases';
import type { IDiagnosis } from './tokens';

/** What draws text: a literal English string in, the user's language out. `%1` is the first argument. */
export interface ICatalogue {
  __(text: string, ...values: (string | number)[]): string;
  /** A sentence that the package made elsewhere, as far as it is made from a pattern. */
  told(text: string): string;
  /** The name of a stage. */
  stage(name: string): string;
  /** The same diagnosis in the user's language. */
  diagnosis(told: IDiagnosis): IDiagnosis;
}

type Messages = Record<string, string>;
type Language = [{ default: Messages }, { default: Pages }];

// Each language is a file of its own that is fetched when it is chosen.
const LANGUAGES: Record<string, () => Promise<Language>> = {
  es: () => Promise.all([import('./locale/es.json'), import('./locale/diagnoses/es.json')]),
  it: () => Promise.all([import('./locale/it.json'), import('./locale/diagnoses/it.json')]),
  pt: () => Promise.all([import('./locale/pt.json'), import('./locale/diagnoses/pt.json')]),
  ru: () => Promise.all([import('./locale/ru.json'), import('./locale/diagnoses/ru.json')]),
  sv: () => Promise.all([import('./locale/sv.json'), import('./locale/diagnoses/sv.json')])
};

/** The catalogue of the language that JupyterLab is shown in. English until it has come. */
export class Catalogue implements ICatalogue {
  constructor(translator: ITranslator | null) {
    const language = (translator?.languageCode ?? 'en').slice(0, 2).toLowerCase();
    const load = LANGUAGES[language];
    this.ready = load
      ? load().then(([messages, pages]) => {
          this._messages = messages.default;
          this._pages = pages.default;
        })
      : Promise.resolve();
  }

  /** Settled when texts can be asked for. */
  readonly ready: Promise<void>;

  __(text: string, ...values: (string | number)[]): string {
    return fill(this._messages[text] || text, values);
  }

  told(text: string): string {
    return phraseIn(this._messages, text);
  }

  stage(name: string): string {
    return stageIn(this._messages, name);
  }

  diagnosis(told: IDiagnosis): IDiagnosis {
    const found = inLanguage(told, this._pages);
    return { ...found, title: this.told(found.title), what: this.told(found.what) };
  }

  private _messages: Messages = {};
  private _pages: Pages = {};
}
