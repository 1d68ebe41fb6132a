'use strict';

// FiscaFlow as a module of NestJS: an engine that opens and closes with the application, and a
// filter that answers its errors over HTTP as FiscaFlow's own server does.

const { Catch, Inject, Logger, Module } = require('@nestjs/common');
const { Corrupt, FiscaFlow, FiscaFlowError, Unavailable } = require('../index.js');
const codes = require('../generated/codes.js');

const FISCAFLOW = Symbol.for('@fiscaflow/engine');
const OPTIONS = Symbol('@fiscaflow/engine options');
const RETRY_AFTER_SECONDS = '1';

const InjectFiscaFlow = () => Inject(FISCAFLOW);

class FiscaFlowModule {
  #engine;

  constructor(engine) {
    this.#engine = engine;
  }

  static forRoot(options) {
    return dynamicModule(options, { provide: OPTIONS, useValue: options });
  }

  static forRootAsync(options) {
    const { inject = [], useFactory } = options;
    return dynamicModule(options, { provide: OPTIONS, inject, useFactory });
  }

  // Not earlier: until the server is closed, requests under way need the engine.
  async onApplicationShutdown() {
    await this.#engine.close();
  }
}

// What decorators do, without a compiler.
Module({})(FiscaFlowModule);
Inject(FISCAFLOW)(FiscaFlowModule, undefined, 0);

function dynamicModule({ isGlobal = false, imports = [] }, options) {
  const engine = {
    provide: FISCAFLOW,
    inject: [OPTIONS],
    useFactory: ({ url, secretKeys, signingKey }) => FiscaFlow.open(url, { secretKeys, signingKey }),
  };
  return {
    module: FiscaFlowModule,
    global: isGlobal,
    imports,
    providers: [options, engine, { provide: FiscaFlow, useExisting: FISCAFLOW }],
    exports: [FISCAFLOW, FiscaFlow],
  };
}

function httpStatus({ code, field }) {
  const { status, ofFile = status } = codes[code] ?? { status: 500 };
  return field === 'content' ? ofFile : status;
}

function httpBody(error) {
  const { code, lane, field, line, id } = error;
  // What is wrong inside is for the log, not for a client.
  if (error instanceof Corrupt) {
    return { error: { code, message: 'the server cannot answer this', details: { lane } } };
  }
  return { error: { code, message: error.message, details: { lane, field, line, id } } };
}

class FiscaFlowExceptionFilter {
  #logger = new Logger('FiscaFlow');

  catch(error, host) {
    if (host.getType() !== 'http') throw error;
    if (error instanceof Corrupt) this.#logger.error(`${error.code}: ${error.message}`, error.stack);
    // What both Express and Fastify know.
    const response = host.switchToHttp().getResponse().status(httpStatus(error));
    if (error instanceof Unavailable) response.header('retry-after', RETRY_AFTER_SECONDS);
    response.send(httpBody(error));
  }
}

Catch(FiscaFlowError)(FiscaFlowExceptionFilter);

module.exports = {
  FISCAFLOW,
  FiscaFlowExceptionFilter,
  FiscaFlowModule,
  InjectFiscaFlow,
  httpBody,
  httpStatus,
};
