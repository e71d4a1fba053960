/** A failure that a sentence explains in full; its stack helps nobody. */
export class Failure extends Error {}

/** Wrong arguments. */
export class UsageFailure extends Failure {}
