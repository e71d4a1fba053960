import { createRequire } from 'node:module';

const { version: fromPackage } = createRequire(import.meta.url)('../package.json') as { version: string };

/** Version of this program, from its package. */
export const version = fromPackage;
