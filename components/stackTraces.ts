/**
 * Makes a resource without stack traces. The SDK takes one for each of a resource's promises, to name those that are
 * never settled; ts-node's source maps make each of them slow, and a pair's resources have some five hundred.
 */
export function withoutStackTraces<T>(make: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
