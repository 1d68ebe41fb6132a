'use strict';

// FiscaFlow as a module of NestJS: an engine that opens and closes with the application, and a
// filter that answers its errors over HTTP as FiscaFlow's own server does.

const { Catch, Inject, Module } = require('@nestjs/common');
const { FiscaFlow, FiscaFlowError } = require('../index.js');
const codes = require('../generated/codes.js');

const FISCAFLOW = Symbol.for('@fiscaflow/engine');
const OPTIONS = Symbol('@fiscaflow/engine options');

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
    useFactory: ({ url }) => FiscaFlow.open(url),
  };
  return {
    module: FiscaFlowModule,
    global: isGlobal,
    imports,
    providers: [options, engine, { provide: FiscaFlow, useExisting: FISCAFLOW }],
    exports: [FISCAFLOW, FiscaFlow],
  };
}

function httpStatus(error) {
  return codes[error.code]?.status ?? 500;
}

function httpBody({ code, message, lane, field, line, id }) {
  return { error: { code, message, details: { lane, field, line, id } } };
}

class FiscaFlowExceptionFilter {
  catch(error, host) {
    if (host.getType() !== 'http') throw error;
    // Express and Fastify alike.
    host.switchToHttp().getResponse().status(httpStatus(error)).send(httpBody(error));
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
