// The types for CommonJS.

import fiscaflow = require('@fiscaflow/engine');

export async function open(): Promise<fiscaflow.Book[]> {
  const engine = await fiscaflow.FiscaFlow.open('memory:');
  const book = await engine.books({ actor: 'anna' }).create({ name: 'Home', currency: 'EUR' });
  await engine.close();
  return [book];
}
