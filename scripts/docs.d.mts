import type { errorCatalogue, errorKinds } from '@gapless/shared/errors';

/** `docs/errors.md` as it has to be. */
export function errorsPage(catalogue: typeof errorCatalogue, kinds: typeof errorKinds): Promise<string>;
