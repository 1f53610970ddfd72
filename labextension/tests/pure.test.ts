import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { changeField, changesOf, wrongIn, writtenOf } from '../src/changes';
import { fill } from '../src/filling';
import { isMeant } from '../src/filtering';
import { replicasFor, sameAnswer } from '../src/arithmetic';
import { deployedBy, hashOf, lineOf, linesOf, scriptOf } from '../src/cellscript';
import { levelOf, LogBuffer } from '../src/logbuffer';
import { fillSlots, inLanguage } from '../src/pages';
import { keyOfStage, phraseIn, PHRASES, STAGES, stageIn } from '../src/phrases';
import { readDeployment, readDiagnosis } from '../src/reading';
import { optionsOf, remedyOf } from '../src/remedies';
import { type ISaid, NOTHING, offered, readSaid } from '../src/said';
import { EventParser } from '../src/sse';
import { bodyOf, EMPTY, fieldOf, type IWish, magicOf, nameFor, problems, sentenceOf } from '../src/wish';
import { bytes, milliseconds, seconds, thousands } from '../src/wording';

const SOURCE = join(process.cwd(), 'src');

// What only a kernel draws is in files of its own, which no browser fetches.
const NOTEBOOK = JSON.parse(readFileSync(join(SOURCE, 'locale', 'notebook', 'es.json'), 'utf8'));
const isShared = (pattern: string): boolean => !(pattern in NOTEBOOK);

describe('server-sent events', () => {
  const text = ': hello\n\nevent: service\nid: a-1\ndata: {"name": "iris"}\n\nevent: end\ndata: null\n\n';

  test('are the same however they are cut', () => {
    for (let cut = 0; cut <= text.length; cut++) {
      const parser = new EventParser();
      const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
      assert.deepEqual(events, [
        { kind: 'service', id: 'a-1', data: { name: 'iris' } },
        { kind: 'end', id: '', data: null }
      ]);
    }
  });
});

describe('cells', () => {
  test('are known by their first line', () => {
    assert.equal(deployedBy('%%deploy iris --model clf\nx = 1'), 'iris');
    assert.equal(deployedBy('%%deploy'), '');
    assert.equal(deployedBy('%%deployed iris'), null);
    assert.equal(deployedBy('x = 1\n%%deploy iris'), null);
  });

  test('become the script that the magic makes, with the same hash', async () => {
    const script = scriptOf('%%deploy iris\r\ndef init(): pass\r\n\r\n');
    assert.equal(script, '# The magic of the cell stands in this line.\ndef init(): pass\n');
    assert.equal(await hashOf('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    assert.equal(scriptOf('%%deploy iris'), '# The magic of the cell stands in this line.\n');
  });

  test('have the line that a diagnosis names', () => {
    assert.equal(lineOf('cell [4], line 6'), 6);
    assert.equal(lineOf('score.py, line 6'), 0);
    assert.equal(lineOf(''), 0);
    assert.deepEqual(linesOf({ where: 'cell [4], line 6' }, 't'), [{ line: 6, title: 't' }]);
  });

  test('have a line for each problem of their script', () => {
    const proof = [
      { text: "cell [4], line 8: Syntax: '(' was never closed." },
      { text: 'cell [4], line 2: the import of a: b is missing.' },
      { text: 'cell [4]: run() is missing.' },
      { text: 'helper.py, line 3: no.' },
      null
    ];
    assert.deepEqual(linesOf({ where: '', stage: 'check', proof }, 't'), [
      { line: 8, title: "Syntax: '(' was never closed." },
      { line: 2, title: 'the import of a: b is missing.' }
    ]);
    assert.deepEqual(linesOf({ where: '', stage: 'init', proof }, 't'), [], 'a log may say anything');
    assert.deepEqual(linesOf({}, 't'), []);
  });
});

describe('logs', () => {
  const lines: [string, string][] = [
    ['a/1', 'all is well'],
    ['a/2', 'WARNING: warm'],
    ['a/1', 'ValueError: hot']
  ];

  test('are filtered by text, level and replica, also what comes later', () => {
    const buffer = new LogBuffer();
    buffer.append(lines);
    const shown = (): string[] => buffer.shown.map(line => line.text);
    buffer.filter = { text: 'W', level: 'warning', replica: '' };
    assert.deepEqual(shown(), ['WARNING: warm']);
    buffer.filter = { text: '', level: 'error', replica: 'a/1' };
    buffer.append(lines);
    assert.deepEqual(shown(), ['ValueError: hot', 'ValueError: hot']);
    buffer.filter = { text: '', level: 'all', replica: '' };
    assert.equal(buffer.shown.length, 6);
    assert.deepEqual(buffer.replicas, ['a/1', 'a/2']);
    buffer.clear();
    assert.equal(buffer.total, 0);
  });

  test('keep the newest lines, numbered as they came', () => {
    const buffer = new LogBuffer(100);
    for (let i = 0; i < 1000; i++) {
      buffer.append([['', `line ${i}`]]);
    }
    assert.ok(buffer.total <= 110);
    assert.deepEqual(buffer.shown[buffer.total - 1], { number: 1000, replica: '', text: 'line 999' });
  });

  test('have levels', () => {
    assert.equal(levelOf('2026-11-21 I [3] ready'), 'info');
    assert.equal(levelOf('Traceback (most recent call last):'), 'error');
    assert.equal(levelOf('UserWarning: a warning'), 'warning');
  });
});

describe('what is read from notebooks', () => {
  test('may be anything', () => {
    for (const value of [null, 5, 'text', [], { stages: 3, failure: 'no', notes: [null, 1, 'x'] }]) {
      const deployment = readDeployment(value);
      assert.equal(deployment.service, '');
      assert.deepEqual(deployment.stages, []);
      assert.deepEqual(readDiagnosis(value).actions, []);
    }
  });

  test("the server's form and the bundle's are one", () => {
    const common = { title: 't', cause: 'c', what: 'w', steps: ['s'], actions: [], sources: [] };
    const bundle = readDiagnosis({ ...common, certainty: 'certain', proof: [{ text: 'x', from: 'log' }] }, 'iris');
    const server = readDiagnosis({ ...common, confidence: 0.9, evidence: [{ line: 'x', from: 'log' }], service: 'iris' });
    assert.deepEqual(bundle, server);
  });
});

test('proof that says the same again is left out', () => {
  const evidence = ['runtime: init() raised E.', 'E', '12:00 E [1] init() raised E.', 'another'].map(line => ({ line }));
  const proof = readDiagnosis({ title: 't', evidence }).proof.map(line => line.text);
  assert.deepEqual(proof, ['runtime: init() raised E.', 'another']);
});

describe('actions', () => {
  const action = (command: string, kind = 'more-memory') => ({ kind, label: 'do it', command });

  test('are updates, where the server can do them', () => {
    assert.deepEqual(remedyOf(action('%service_update iris --memory 2Gi --replicas 3'), 'iris'), {
      kind: 'update',
      label: 'do it',
      service: 'iris',
      changes: { memory: '2Gi', replicas: 3 }
    });
    assert.deepEqual(remedyOf(action('%%deploy iris --pip "a >= 1" --pip b'), 'iris'), {
      kind: 'update',
      label: 'do it',
      service: 'iris',
      changes: { pip: ['a >= 1', 'b'] }
    });
    assert.equal(remedyOf(action('%service_logs iris', 'logs'), 'iris')?.kind, 'log');
  });

  test('are nothing for another service, what is not known, or another program', () => {
    for (const command of [
      '%service_update other --memory 2Gi',
      '%%deploy iris --pip PACKAGE',
      '%%deploy iris-local --target local',
      '%service_update iris --debug',
      '%service_update iris --script /etc/passwd',
      '!rm -rf /',
      ''
    ]) {
      assert.equal(remedyOf(action(command), 'iris'), null, command);
    }
  });

  test('are shown as options before they are done', () => {
    assert.equal(optionsOf({ memory: '2Gi', pip: ['a', 'b'] }), '--memory 2Gi --pip a --pip b');
  });
});

test('numbers are written as in the notebook', () => {
  assert.deepEqual([0.012, 0.31, 14.2, 125].map(seconds), ['12 ms', '0.3 s', '14 s', '2 min 5 s']);
  assert.deepEqual([null, 512, 222298112].map(bytes), ['–', '512 B', '212 MiB']);
  assert.deepEqual([null, 1.94, 212].map(milliseconds), ['–', '1.9 ms', '212 ms']);
  assert.equal(thousands(12408), '12\u202f408');
});

describe('the deploy form', () => {
  const wish: IWish = { ...EMPTY, script: 'models/score it.py', name: 'iris', models: 'clf, iris:2', replicas: '2' };

  test('says what is written in it, and nothing else', () => {
    assert.deepEqual(bodyOf(wish), { script: 'models/score it.py', models: ['clf', 'iris:2'], replicas: 2 });
    assert.deepEqual(bodyOf({ ...EMPTY, script: ' a.py ', replicas: '1:4', folder: true }), {
      script: 'a.py',
      autoscale: '1:4',
      folder: true
    });
  });

  test('shows the magic that does the same', () => {
    const line = "%deploy iris --script 'models/score it.py' --target local --model clf --model iris:2 --replicas 2";
    assert.equal(magicOf({ ...wish, target: 'local' }, NOTHING), line);
    const sample = { ...EMPTY, script: 'a/b.py', name: 'b', folder: true, sample: '{"data":\n [1]}' };
    assert.equal(magicOf(sample, NOTHING), `%deploy b --script a/b.py --source-directory a --sample '{"data":[1]}'`);
  });

  test('shows where the settings send it, each target with its own context', () => {
    const said: ISaid = { ...NOTHING, target: 'kubernetes', docker_context: 'desk', kube_context: 'far', namespace: 'team' };
    const one: IWish = { ...EMPTY, script: 'a.py', name: 'a' };
    assert.equal(magicOf(one, said), '%deploy a --script a.py --target kubernetes --context far --namespace team');
    assert.equal(magicOf({ ...one, target: 'container' }, said), '%deploy a --script a.py --target container --context desk');
    assert.equal(magicOf({ ...one, target: 'local' }, said), '%deploy a --script a.py --target local');
  });

  test('has a name for every file', () => {
    const names = ['models/Score It.py', '01_é.py', 'a--.py', `${'x'.repeat(99)}.py`].map(nameFor);
    assert.deepEqual(names, ['score-it', 'service', 'a', 'x'.repeat(63)]);
  });

  test('knows what is not right, and where what the server says belongs', () => {
    const found = problems({ ...EMPTY, replicas: 'many', sample: '{' }, text => text);
    assert.deepEqual(Object.keys(found).sort(), ['name', 'replicas', 'sample', 'script']);
    assert.deepEqual(problems({ ...wish, replicas: '1:4' }, text => text), {});
    assert.equal(fieldOf('model'), 'models');
    assert.equal(fieldOf('models.0'), 'models');
    assert.equal(sentenceOf("memory='x' is not valid: write a size."), 'Write a size.');
    assert.equal(sentenceOf('There is no kubeconfig.'), 'There is no kubeconfig.');
    assert.equal(fieldOf('shell'), null);
    assert.equal(fieldOf(undefined), null);
  });
});

describe('changes of a service', () => {
  const before = writtenOf({ minimum: 1, maximum: 1, memory: 512 * 1024 ** 2, cpu: 0.5 } as any);

  test('are what is written otherwise than it is', () => {
    assert.deepEqual(before, { replicas: '1', memory: '512Mi', cpu: '0.5', pip: '' });
    assert.equal(changesOf(before, before), null);
    assert.equal(changesOf(before, { ...before, memory: ' ', cpu: '' }), null, 'empty is as it is');
    const now = { replicas: '1:4', memory: '1Gi', cpu: '0.5', pip: 'numpy >= 2, pandas' };
    assert.deepEqual(changesOf(before, now), { autoscale: '1:4', memory: '1Gi', pip: ['numpy >= 2', 'pandas'] });
    assert.deepEqual(changesOf(before, { replicas: '3' }), { replicas: 3 });
    assert.deepEqual(writtenOf(undefined), { replicas: '1', memory: '', cpu: '', pip: '' });
    assert.equal(writtenOf({ minimum: 2, maximum: 5 } as any).replicas, '2:5');
  });

  test('are judged field by field', () => {
    const wrong = wrongIn({ replicas: '0', memory: 'lots', cpu: '-1', pip: '--index-url=x' }, text => text);
    assert.deepEqual(Object.keys(wrong).sort(), ['cpu', 'memory', 'pip', 'replicas']);
    assert.deepEqual(wrongIn({ replicas: '2:9', memory: '1.5 Gi', cpu: '500m', pip: 'a==1, b' }, text => text), {});
    assert.deepEqual(Object.keys(wrongIn({ memory: '0', cpu: '0' }, text => text)), ['memory', 'cpu']);
    assert.equal(changeField('autoscale'), 'replicas');
    assert.equal(changeField('script'), null);
  });
});

describe('settings', () => {
  test('have a context for Docker and one for clusters; the former one counts where neither is set', () => {
    assert.deepEqual(readSaid({ dockerContext: ' desk ', kubeContext: 'far', context: 'old', target: 'container' }), {
      ...NOTHING,
      target: 'container',
      docker_context: 'desk',
      kube_context: 'far'
    });
    const former = readSaid({ dockerContext: '', kubeContext: '', context: 'old' });
    assert.deepEqual([former.docker_context, former.kube_context], ['old', 'old']);
    const kube = readSaid({ kubeContext: 'far', context: 'old' });
    assert.deepEqual([kube.docker_context, kube.kube_context], ['', 'far']);
    assert.deepEqual(readSaid({ target: 5 }), NOTHING);
  });

  test('offer the former one only to whom has it', () => {
    const schema = { dockerContext: {}, context: { default: '' as unknown } };
    assert.deepEqual(Object.keys(offered(schema, '{"kubeContext": "far"}')), ['dockerContext']);
    assert.deepEqual(Object.keys(offered(schema, '{\n  // mine\n  context : "old"}')), ['dockerContext', 'context']);
    assert.deepEqual(Object.keys(offered({ context: { default: 'site' } }, '')), ['context']);
  });
});

test('services are looked for by name, target and state, in both languages', () => {
  const one = { name: 'churn-model', target: 'local', state: 'failed', edited: false };
  const __ = (text: string): string => ({ failed: 'con error' })[text] ?? text;
  const found = ['', 'churn', 'LOCAL fail', 'churn con error', 'other', 'churn container'].map(text => isMeant(one, text, __));
  assert.deepEqual(found, [true, true, true, true, false, false]);
  assert.ok(isMeant({ ...one, edited: true }, 'edited', __));
});

describe('arithmetic', () => {
  test('is exact, as the formula of the documents', () => {
    assert.equal(replicasFor('20', '10', '70', '1'), 286);
    assert.equal(replicasFor('21', '1', '70', '1'), 30, 'floats would say 31');
    assert.equal(replicasFor('0.1', '0,1', '70', '1'), 1);
    assert.equal(replicasFor('100', '0.5', '100', '4'), 13);
    for (const bad of [['', '1', '70', '1'], ['1', '-1', '70', '1'], ['1', '1', '0', '1'], ['1', '1', '101', '1'], ['1', '1', '70', '0.5']]) {
      assert.equal(replicasFor(bad[0]!, bad[1]!, bad[2]!, bad[3]!), null, bad.join());
    }
  });

  test('answers are the same but for rounding', () => {
    assert.ok(sameAnswer('[0.1, {"a": [1, null]}]', '[0.10000000000000001, {"a": [1.0, null]}]'));
    assert.ok(sameAnswer('plain', ' plain\n'));
    for (const other of ['[0.2]', '[0.1, 0.1]', '{"0": 0.1}', '"0.1"', 'null']) {
      assert.ok(!sameAnswer('[0.1]', other), other);
    }
  });
});

describe('the catalogue', () => {
  const sources = readdirSync(SOURCE).filter(name => /\.tsx?$/.test(name));
  const said = new Set(
    sources.flatMap(name => [...readFileSync(join(SOURCE, name), 'utf8').matchAll(/__\(\s*'((?:[^'\\]|\\.)*)'/g)].map(m => m[1]!))
  );
  // Said by a name that comes from the server.
  const named = ['deploying', 'running', 'degraded', 'failed', 'stopped', 'unknown', 'certain', 'likely', 'a guess'];
  const columns = ['replica', 'state', 'script', 'requests', 'p50', 'p99', 'errors', 'memory'];
  const verbs = ['deploy', 'reload', 'start', 'stop', 'scale', 'update', 'delete'];
  // Of a service's server: told as they are, and shown in the user's language.
  const replicas = ['idle', 'busy', 'starting', 'ready', 'stopping'];
  const images = ['built', 'found', 'interrupted'];
  const messages = [
    'Its deployment was broken off; deploy it again.',
    'Its container is gone: somebody removed it. Deploy it again.',
    'Its container is paused; `docker unpause` lets it go on.',
    'Its container was never started; deploy it again.'
  ];
  test('knows what targets say', () => {
    const targets = join(SOURCE, '..', '..', 'jupyter_mldeploy', 'targets');
    const told = (readdirSync(targets, { recursive: true }) as string[])
      .filter(name => name.endsWith('.py'))
      .map(name => readFileSync(join(targets, name), 'utf8'))
      .join();
    for (const message of [...messages, 'It was stopped.']) {
      assert.ok(told.includes(message), message);
    }
  });
  // In the settings editor.
  const schema = JSON.parse(readFileSync(join(SOURCE, '..', 'schema', 'plugin.json'), 'utf8'));
  const settings = [schema, ...Object.values<any>(schema.properties)].flatMap(one => [one.title, one.description]);
  const phrases = [...Object.keys(PHRASES).filter(isShared), ...STAGES.map(keyOfStage)];
  const wanted = [...new Set([...said, ...named, ...columns, ...verbs, ...replicas, ...images, ...messages, ...settings, ...phrases])].sort();

  for (const language of ['es', 'it', 'pt', 'ru', 'sv']) {
    test(`is whole in ${language}, with every value in its place`, () => {
      const messages = JSON.parse(readFileSync(join(SOURCE, 'locale', `${language}.json`), 'utf8'));
      assert.deepEqual(Object.keys(messages).sort(), wanted);
      for (const [english, message] of Object.entries<string>(messages)) {
        assert.ok(message.trim(), english);
        const places = (text: string): string[] => (text.match(/%\d/g) ?? []).sort();
        assert.deepEqual(places(message), places(english), english);
      }
    });
  }

  test('fills values', () => {
    assert.equal(fill('replicas: %1 of %2', [1, 3]), 'replicas: 1 of 3');
    assert.equal(fill('%1', ['%2']), '%2');
  });
});

describe('what the package makes from patterns', () => {
  const es = JSON.parse(readFileSync(join(SOURCE, 'locale', 'es.json'), 'utf8'));
  const inSpanish = (text: string): string => phraseIn(es, text);

  test('is told in another language; what scripts and tools say in it stays as it is', () => {
    assert.equal(
      inSpanish('talk failed in init: init() raised OSError: no weights (yet), sorry (cell [4], line 6: raise OSError(f(1))).'),
      'talk falló en la etapa «init»: init() lanzó OSError: no weights (yet), sorry (cell [4], línea 6: raise OSError(f(1))).'
    );
    assert.equal(
      inSpanish('boxed failed in build in step 3/5, RUN pip install nope: ERROR: no match'),
      'boxed falló en la compilación, paso 3/5, RUN pip install nope: ERROR: no match'
    );
    assert.equal(
      inSpanish('iris failed in launch: the container ended: it ended with exit code 3.'),
      'iris falló en la etapa «arranque»: el contenedor terminó: terminó con el código de salida 3.'
    );
    assert.equal(
      inSpanish('iris failed in init: The worker was killed by SIGSEGV in init().'),
      'iris falló en la etapa «init»: El proceso fue terminado por SIGSEGV en init().'
    );
    assert.equal(inSpanish('Its process 12 is gone. Its log ends with “cached”.'), 'Su proceso 12 ya no está. Su registro termina con «cached».');
    assert.equal(inSpanish('took over the port within 12 ms; sample → [1]'), 'tomó el puerto en 12 ms; muestra → [1]');
    assert.equal(inSpanish('deployed to local in 1.2 s'), 'desplegado en local en 1.2 s');
  });

  test('is not guessed at', () => {
    for (const text of ['', 'OSError: init() raised E', 'a port 80', 'port eighty', '3 replicas…', 'ERROR: cached']) {
      assert.equal(inSpanish(text), text);
    }
    assert.equal(phraseIn({}, 'port 80'), 'port 80', 'English');
  });

  test('has stages of its own: ready is another word for a replica', () => {
    assert.deepEqual([stageIn(es, 'ready'), es.ready, stageIn(es, 'new'), stageIn({}, 'build')], ['listo', 'lista', 'new', 'build']);
  });

  // Where our own parts are put together.
  const JOINTS = /%\d|(?<= in )(?=the server)|(?= in step )|(?<=^(?:init\(\)|run\(\)|The script|The worker)) |(?<=reloaded,?) |(?<=place|again|,|gone\.) /;
  test('is still made so', () => {
    const root = join(SOURCE, '..', '..', 'jupyter_mldeploy');
    const told = (readdirSync(root, { recursive: true }) as string[])
      .filter(name => name.endsWith('.py'))
      .map(name => readFileSync(join(root, name), 'utf8'))
      .join()
      // Literals that stand one after the other are one.
      .replace(/"\s*\n\s*f?"/g, '');
    for (const [pattern, places] of Object.entries(PHRASES).filter(([pattern]) => isShared(pattern))) {
      assert.equal(new Set(pattern.match(/%\d/g)).size, places.length, pattern);
      const longest = pattern.split(JOINTS).sort((one, other) => other.length - one.length)[0]!;
      assert.ok(told.includes(longest.replace(/^[ (]+|[ ):,]+$/g, '')), pattern);
    }
  });
});

describe('diagnoses in other languages', () => {
  const CATALOGUE = join(SOURCE, '..', '..', 'jupyter_mldeploy', 'diagnosis', 'catalogue');
  const ACTIONS = readFileSync(join(CATALOGUE, '..', 'actions.py'), 'utf8');
  const names = (text: string): string[] => [...new Set([...text.matchAll(/\{\??([a-z_]+)/g)].map(match => match[1]!))].sort();
  const slotsOf = (text: string): string => names(text).join();

  test('fill their slots as the catalogue does', () => {
    const text = 'a {x|b}{?y:, {y|}||!?}{?t=local:here?}';
    assert.equal(fillSlots(text, {}), 'a b!');
    assert.equal(fillSlots(text, { x: 'X', y: 'Y', t: 'local' }), 'a X, Yhere');
    assert.equal(fillSlots(text, { y: '$&', t: 'container' }), 'a b, $&');
  });

  for (const language of ['es', 'it', 'pt', 'ru', 'sv']) {
    test(`have the titles of the catalogue in ${language}, with their slots`, () => {
      const pages = JSON.parse(readFileSync(join(SOURCE, 'locale', 'diagnoses', `${language}.json`), 'utf8'));
      assert.ok(Object.keys(pages).length >= 137);
      for (const [cause, page] of Object.entries<any>(pages)) {
        if (cause.startsWith('action:')) {
          const label = new RegExp(`"${cause.slice(7)}": Kind\\(\\s*"([^"]*)"`).exec(ACTIONS)![1]!;
          assert.equal(slotsOf(page.title), slotsOf(label), cause);
          continue;
        }
        const english = readFileSync(join(CATALOGUE, `${cause}.md`), 'utf8');
        const title = /^title: (.*)$/m.exec(english)![1]!;
        assert.equal(slotsOf(page.title), slotsOf(title), cause);
        assert.ok(!/[{}|]/.test(fillSlots(page.title, {})), cause);
        const [, what, steps] = /\n---\n([^]*?)## Confirm[^]*?## Steps\n([^]*)$/.exec(english)!;
        const known = names(what! + steps!);
        for (const part of [page.what ?? '', ...(page.steps ?? [])]) {
          assert.deepEqual(names(part).filter(name => !known.includes(name)), [], `${cause}: ${part}`);
          assert.ok(!/[{}|]/.test(fillSlots(part, {}).replace(/`[^`]*`/g, '')), `${cause}: ${part}`);
        }
        const count = steps!.match(/^\d+\.\s/gm)!.length;
        assert.equal(page.steps?.length ?? count, count, `${cause} has ${count} steps`);
      }
    });
  }

  test('are what was told, with the facts in their place; what has no page stays as it is', () => {
    const told = readDiagnosis({ cause: 'module-not-found', title: 'the package x', steps: ['s'], facts: { package: 'sklearn' } });
    const offered = { kind: 'add-package', label: 'Add x', command: 'c', parameters: { requirement: 'x' } };
    const labels = { 'action:add-package': { title: 'agregar {requirement|algo}' } };
    assert.equal(inLanguage(readDiagnosis({ cause: 'other', actions: [offered] }), labels).actions[0]!.label, 'agregar x');
    const pages = { 'module-not-found': { title: 'falta {package|algo}' }, none: { title: 'nada' } };
    assert.equal(inLanguage(told, pages).title, 'falta sklearn');
    assert.deepEqual(inLanguage(told, pages).steps, ['s']);
    assert.equal(inLanguage(readDiagnosis({ cause: '', title: 'nothing', confidence: 1 }), pages).title, 'nada');
    const other = readDiagnosis({ cause: 'other', title: 'other' });
    assert.deepEqual(inLanguage(other, pages), other);
    const check = readDiagnosis({ cause: '', title: 'the script has a problem', stage: 'check' });
    assert.deepEqual(inLanguage(check, pages), check);
  });
});
