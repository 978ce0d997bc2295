/** Limits and money, as people set them. */

/** Exact to the nano-USD that is kept, with no more decimals than are needed. */
export function usdText(nanoUsd: number): string {
  return `${(nanoUsd / 1e9).toFixed(9).replace(/\.?0+$/, '')} USD`;
}

/** Whoever sets limits writes money in USD; it is kept in nano-USD. */
export function limitName(name: string): string {
  return name === 'costPerCallMax' ? 'usdPerCallMax' : name;
}

/** What is used of a limit or allowed, with its unit where it is money. */
export function limitAmount(name: string, amount: number): string {
  return name === 'budget' || name === 'costPerCallMax' ? usdText(amount) : String(amount);
}
