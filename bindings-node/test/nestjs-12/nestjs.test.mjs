// The same tests with NestJS 12, which this folder's manifest names.

import '../nestjs/cases.mjs';
