// Types of `@fiscaflow/engine/nestjs`.

import type {
  ArgumentsHost,
  DynamicModule,
  ExceptionFilter,
  FactoryProvider,
  ModuleMetadata,
  OnApplicationShutdown,
} from '@nestjs/common';
import type { FiscaFlow, FiscaFlowError, ErrorDetails, Keys, Lane } from '../index.js';

/** How to open the engine. */
export interface FiscaFlowOptions extends Keys {
  /** The store's URL: `memory:` or `sqlite:PATH`. */
  url: string;
}

/** What is said about the module itself. */
export interface FiscaFlowModuleExtras {
  /** Makes the engine injectable everywhere, without an import. */
  isGlobal?: boolean;
}

/** Options that come from other providers, such as a configuration service. */
export interface FiscaFlowAsyncOptions
  extends FiscaFlowModuleExtras,
    Pick<ModuleMetadata, 'imports'> {
  /** What the factory is given. */
  inject?: NonNullable<FactoryProvider['inject']>;
  /** Makes the options. */
  useFactory: FactoryProvider<FiscaFlowOptions>['useFactory'];
}

/**
 * Opens an engine when the application starts and closes it when the application is closed, after
 * its server.
 *
 * The engine is injected by its class `FiscaFlow`, by `@InjectFiscaFlow()` or by the token
 * {@link FISCAFLOW}.
 */
export declare class FiscaFlowModule implements OnApplicationShutdown {
  /** A module with options that are known. */
  static forRoot(options: FiscaFlowOptions & FiscaFlowModuleExtras): DynamicModule;
  /** A module with options that a factory makes. */
  static forRootAsync(options: FiscaFlowAsyncOptions): DynamicModule;
  onApplicationShutdown(): Promise<void>;
}

/** The engine's injection token. */
export declare const FISCAFLOW: unique symbol;

/** Injects the engine: `constructor(@InjectFiscaFlow() private readonly engine: FiscaFlow)`. */
export declare function InjectFiscaFlow(): PropertyDecorator & ParameterDecorator;

/** How an error is answered over HTTP. */
export interface FiscaFlowErrorBody {
  error: {
    code: ErrorDetails['code'];
    message: string;
    details: Omit<ErrorDetails, 'code'> & { lane: Lane };
  };
}

/** The HTTP status of an error, the same as that of FiscaFlow's server. */
export declare function httpStatus(error: FiscaFlowError): number;

/**
 * The body with which an error is answered, the same as that of FiscaFlow's server. Of what is
 * corrupt it tells only the code.
 */
export declare function httpBody(error: FiscaFlowError): FiscaFlowErrorBody;

/**
 * Answers the engine's errors over HTTP, on Express and on Fastify; rethrows them elsewhere. What
 * is corrupt is logged.
 */
export declare class FiscaFlowExceptionFilter implements ExceptionFilter<FiscaFlowError> {
  catch(error: FiscaFlowError, host: ArgumentsHost): void;
}
