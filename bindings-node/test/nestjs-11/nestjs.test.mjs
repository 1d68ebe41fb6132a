// The same tests with NestJS 11, which this folder's manifest names.

import '../nestjs/cases.mjs';
