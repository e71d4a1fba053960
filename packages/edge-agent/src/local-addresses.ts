import { networkInterfaces } from 'node:os';

/** The addresses of this machine's interfaces, asked of the operating system. */
export function systemLocalAddresses(): ReadonlySet<string> {
  const addresses = new Set<string>();
  for (const entries of Object.values(networkInterfaces()))
    for (const { address } of entries ?? []) {
      addresses.add(address);
      // A socket that serves both families shows IPv4 addresses in this form.
      if (!address.includes(':')) addresses.add(`::ffff:${address}`);
    }
  return addresses;
}
