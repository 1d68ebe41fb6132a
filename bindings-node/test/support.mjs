// What the tests share: where the repository is, and the scenarios in it.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Tests run beside an installed package; the variable says where the repository is. */
export const root = process.env.FISCAFLOW_ROOT ?? fileURLToPath(new URL('../..', import.meta.url));

const folder = join(root, 'scenarios');
const json = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

/** The golden lists. */
export const errorCodes = json('error-codes.json');
export const verbs = json('verbs.json');

/** The noun and the method of a verb: `reports.cash_flow` is `cashFlow` of `reports`. */
export function methodOf(verb) {
  const [noun, name] = verb.split('.');
  return [noun, name.replaceAll(/_(.)/g, (_, letter) => letter.toUpperCase())];
}

/** All scenarios, by the names of their files. */
export const scenarios = readdirSync(folder)
  .filter((name) => name.endsWith('.json') && !['error-codes.json', 'verbs.json'].includes(name))
  .map((name) => [name, json(name)]);

/** A statement with two purchases that look equal. */
export const statement = `OFXHEADER:100
DATA:OFXSGML

<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR
<BANKACCTFROM><BANKID>1<ACCTID>DE001<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260302<TRNAMT>-3.20<NAME>CORNER CAFE</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260302<TRNAMT>-3.20<NAME>CORNER CAFE</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260305<TRNAMT>-48.10<NAME>GREEN GROCER</STMTTRN>
</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
`;
