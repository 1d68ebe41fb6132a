// Every scenario, word for word, through the methods of the package, on each store.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { FiscaFlow, FiscaFlowError } from '@fiscaflow/engine';

import { difference, fill, part } from './matching.mjs';
import { methodOf, scenarios, verbs } from './support.mjs';

const SECRET_KEYS = '1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';

const folder = mkdtempSync(join(tmpdir(), 'fiscaflow-'));
after(() => rmSync(folder, { recursive: true }));

const takesId = new Map(verbs.map((verb) => [verb.name, verb.takes_id]));

/** Calls the method that a step names. */
async function call(engine, step) {
  const [noun, name] = methodOf(step.verb);
  const context = { ...step.context, actor: step.actor };
  let target;
  if (step.verb === 'books.create') target = engine.books(context);
  else if (noun === 'books') target = engine.book(step.book, context);
  else target = engine.book(step.book, context)[noun];
  const args = takesId.get(step.verb) ? [step.id] : [];
  if (step.content !== undefined) {
    args.push({ ...step.request, content: Buffer.from(step.content) });
  } else if (step.request !== undefined) {
    args.push(step.request);
  }
  return target[name](...args);
}

async function refuses(engine, step) {
  const { error } = step;
  const failed = await call(engine, step).then(
    () => assert.fail(`answered, but \`${error.code}\` was to come`),
    (reason) => reason,
  );
  assert.ok(failed instanceof FiscaFlowError, failed);
  for (const name of Object.keys(error)) assert.equal(failed[name], error[name], name);
}

async function run(url, { steps }) {
  const engine = await FiscaFlow.open(url, { secretKeys: SECRET_KEYS });
  const saved = new Map();
  for (const [place, written] of steps.entries()) {
    const at = `step ${place + 1} (${written.verb})`;
    const { save = {}, expect, ...rest } = written;
    const step = fill(rest, saved);
    try {
      if (step.error) {
        await refuses(engine, step);
        continue;
      }
      const answer = await call(engine, step);
      for (const [name, path] of Object.entries(save)) saved.set(name, part(answer, path));
      if (expect !== undefined) {
        const found = difference(fill(expect, saved), answer);
        assert.equal(found, undefined, found);
      }
    } catch (error) {
      error.message = `${at}: ${error.message}`;
      throw error;
    }
  }
  await engine.close();
}

test('there are scenarios', () => assert.ok(scenarios.length >= 25));

for (const [store, url] of [
  ['memory', () => 'memory:'],
  ['sqlite', (file) => `sqlite:${join(folder, `${file}.db`)}`],
]) {
  describe(`scenarios on ${store}`, () => {
    for (const [file, scenario] of scenarios) {
      test(scenario.name, () => run(url(file), scenario));
    }
  });
}
