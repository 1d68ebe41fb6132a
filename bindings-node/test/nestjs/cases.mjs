// The NestJS module in real applications: injection, shutdown, and errors over HTTP.

import 'reflect-metadata';

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { Corrupt, FiscaFlow, Rejected } from '@fiscaflow/engine';
import {
  FISCAFLOW,
  FiscaFlowExceptionFilter,
  FiscaFlowModule,
  InjectFiscaFlow,
  httpBody,
  httpStatus,
} from '@fiscaflow/engine/nestjs';
import { Body, Controller, Get, Headers, HttpCode, Module, Param, Post } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import ts from 'typescript';

/** Applies decorators as the compiler would. */
function decorate(type, { on = [], parameters = [], methods = {} }) {
  for (const [place, decorator] of parameters.entries()) decorator(type, undefined, place);
  for (const [name, [decorators, ...args]] of Object.entries(methods)) {
    const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
    for (const [place, decorator] of args.entries()) decorator(type.prototype, name, place);
    for (const decorator of decorators) decorator(type.prototype, name, descriptor);
  }
  for (const decorator of on) decorator(type);
  return type;
}

class Books {
  constructor(engine) {
    this.engine = engine;
  }

  create(actor, request) {
    return this.engine.books({ actor }).create(request);
  }

  accounts(actor, book) {
    return this.engine.book(book, { actor }).accounts.list();
  }

  failure() {
    throw new Error('not ours');
  }
}

decorate(Books, {
  on: [Controller('books')],
  parameters: [InjectFiscaFlow()],
  methods: {
    create: [[Post(), HttpCode(201)], Headers('actor'), Body()],
    accounts: [[Get(':book/accounts')], Headers('actor'), Param('book')],
    failure: [[Get('failure')]],
  },
});

function appModule(engine) {
  class App {}
  return decorate(App, {
    on: [
      Module({
        imports: [engine],
        controllers: [Books],
        providers: [{ provide: APP_FILTER, useClass: FiscaFlowExceptionFilter }],
      }),
    ],
  });
}

async function start(engine, adapter) {
  const options = { logger: false };
  const app = await (adapter
    ? NestFactory.create(appModule(engine), adapter, options)
    : NestFactory.create(appModule(engine), options));
  await app.listen(0, '127.0.0.1');
  const base = await app.getUrl();
  const send = async (path, { actor = 'anna', body } = {}) => {
    const headers = { actor, ...(body && { 'content-type': 'application/json' }) };
    const method = body ? 'POST' : 'GET';
    const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
    const retryAfter = answer.headers.get('retry-after') ?? undefined;
    return { status: answer.status, body: await answer.json(), ...(retryAfter && { retryAfter }) };
  };
  return { app, send };
}

for (const [name, adapter] of [
  ['Express', () => undefined],
  ['Fastify', () => new FastifyAdapter()],
]) {
  test(`errors over HTTP on ${name}`, async () => {
    const { app, send } = await start(FiscaFlowModule.forRoot({ url: 'memory:' }), adapter());
    const made = await send('/books', { body: { name: 'Home', currency: 'EUR' } });
    assert.equal(made.status, 201);
    assert.equal(made.body.name, 'Home');
    assert.deepEqual(await send(`/books/${made.body.id}/accounts`), { status: 200, body: [] });

    const foreign = await send(`/books/${made.body.id}/accounts`, { actor: 'eve' });
    assert.equal(foreign.status, 404);
    assert.equal(foreign.body.error.code, 'book_not_found');
    const wrong = await send('/books', { body: { name: 'Home', currency: 'XXL' } });
    assert.equal(wrong.status, 422);
    const { code, message, details } = wrong.body.error;
    assert.equal(code, 'unknown_currency');
    assert.equal(typeof message, 'string');
    assert.equal(details.lane, 'rejected');
    assert.equal((await send('/books/failure')).status, 500, 'other errors go their own way');

    await app.get(FiscaFlow).close();
    const closed = await send(`/books/${made.body.id}/accounts`);
    assert.equal(closed.status, 503);
    assert.equal(closed.body.error.code, 'closed');
    assert.equal(closed.retryAfter, '1');
    await app.close();
  });
}

test('the example of the README, compiled', async () => {
  const require = createRequire(import.meta.url);
  const readme = join(dirname(require.resolve('@fiscaflow/engine/package.json')), 'README.md');
  const [, example] = readFileSync(readme, 'utf8').match(/^```ts\n(.*?)^```$/ms);
  const { outputText } = ts.transpileModule(example.replace('sqlite:home.db', 'memory:'), {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2022,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  const folder = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), 'run-'));
  const file = join(folder, 'app.mjs');
  writeFileSync(file, outputText);
  const { AppModule } = await import(pathToFileURL(file));
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const path = '/books/018f0000-0000-7000-8000-000000000001/balances';
  const answer = await fetch((await app.getUrl()) + path);
  assert.equal(answer.status, 404);
  assert.equal((await answer.json()).error.code, 'book_not_found');
  await app.close();
  rmSync(folder, { recursive: true });
});

describe('the module', () => {
  test('closing the application closes the engine', async () => {
    const module = await Test.createTestingModule({
      imports: [FiscaFlowModule.forRoot({ url: 'memory:' })],
    }).compile();
    await module.init();
    const engine = module.get(FISCAFLOW);
    assert.ok(engine instanceof FiscaFlow);
    assert.equal(module.get(FiscaFlow), engine, 'by its class too');
    await module.close();
    await assert.rejects(engine.books({ actor: 'anna' }).create({ name: 'Home', currency: 'EUR' }), {
      code: 'closed',
    });
  });

  test('options come from other providers', async () => {
    class Settings {}
    const URL = Symbol('url');
    const provider = { provide: URL, useValue: 'sqlite::memory:' };
    decorate(Settings, { on: [Module({ providers: [provider], exports: [URL] })] });
    const module = await Test.createTestingModule({
      imports: [
        FiscaFlowModule.forRootAsync({
          imports: [Settings],
          inject: [URL],
          useFactory: async (url) => ({ url }),
        }),
      ],
    }).compile();
    const engine = module.get(FiscaFlow);
    const book = await engine.books({ actor: 'anna' }).create({ name: 'Home', currency: 'EUR' });
    assert.equal(book.name, 'Home');
    await module.close();
  });

  test('a global engine is injected without an import', async () => {
    class Feature {}
    class Service {
      constructor(engine) {
        this.engine = engine;
      }
    }
    decorate(Service, { parameters: [InjectFiscaFlow()] });
    decorate(Feature, { on: [Module({ providers: [Service] })] });
    const module = await Test.createTestingModule({
      imports: [Feature, FiscaFlowModule.forRoot({ url: 'memory:', isGlobal: true })],
    }).compile();
    assert.ok(module.get(Service, { strict: false }).engine instanceof FiscaFlow);
    await module.close();

    const local = Test.createTestingModule({
      imports: [Feature, FiscaFlowModule.forRoot({ url: 'memory:' })],
    });
    await assert.rejects(local.compile(), /dependencies/);
  });

  test('an engine that cannot be opened stops the application', async () => {
    const module = Test.createTestingModule({ imports: [FiscaFlowModule.forRoot({ url: 'ftp:x' })] });
    await assert.rejects(module.compile(), { name: 'Rejected', code: 'invalid_input', field: 'url' });
  });

  test('the filter leaves other transports alone', () => {
    const error = new Rejected('no such account', { code: 'not_found' });
    const host = { getType: () => 'rpc' };
    assert.throws(() => new FiscaFlowExceptionFilter().catch(error, host), error);
    assert.equal(httpStatus(error), 404);
    const large = new Rejected('too large', { code: 'limit_exceeded', field: 'content' });
    assert.equal(httpStatus(large), 413);
  });

  test('what is corrupt is for the log', () => {
    const error = new Corrupt('commit 7 does not fit its hash', { code: 'history_broken', id: '7' });
    const details = { lane: 'corrupt' };
    assert.equal(httpStatus(error), 500);
    assert.deepEqual(httpBody(error), {
      error: { code: 'history_broken', message: 'the server cannot answer this', details },
    });
  });
});
