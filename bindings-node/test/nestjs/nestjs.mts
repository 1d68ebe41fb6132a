// The NestJS module's types, with decorators and their metadata.

import { Controller, Get, Injectable, Module, Param } from '@nestjs/common';
import { FiscaFlow, type Balance } from '@fiscaflow/engine';
import {
  FISCAFLOW,
  FiscaFlowExceptionFilter,
  FiscaFlowModule,
  InjectFiscaFlow,
  httpBody,
  httpStatus,
} from '@fiscaflow/engine/nestjs';

@Injectable()
class Settings {
  readonly url: string = 'memory:';
}

@Controller('books/:book')
class BalancesController {
  constructor(
    private readonly engine: FiscaFlow,
    @InjectFiscaFlow() readonly same: FiscaFlow,
  ) {}

  @Get('balances')
  balances(@Param('book') book: string): Promise<Balance[]> {
    return this.engine.book(book, { actor: 'anna' }).reports.balances();
  }
}

@Module({
  imports: [
    FiscaFlowModule.forRoot({ url: 'memory:', isGlobal: true }),
    FiscaFlowModule.forRootAsync({
      imports: [],
      inject: [Settings],
      useFactory: async (settings: Settings) => ({ url: settings.url }),
    }),
    // @ts-expect-error: which store?
    FiscaFlowModule.forRoot({}),
    // @ts-expect-error: the factory makes the options
    FiscaFlowModule.forRootAsync({ useFactory: () => 'memory:' }),
  ],
  controllers: [BalancesController],
  providers: [FiscaFlowExceptionFilter, { provide: 'alias', useExisting: FISCAFLOW }],
})
export class AppModule {}

export const answer = (error: Parameters<typeof httpStatus>[0]): string =>
  `${httpStatus(error)} ${httpBody(error).error.code}`;
