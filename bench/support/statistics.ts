/** The value below which `share` (0..1) of the values lie; `undefined` of nothing. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function median(values: readonly number[]): number | undefined {
  return quantile(values, 0.5);
}
