const TCP = 6;

/** What of an IPv4 packet is counted: the TCP ports and how much payload it carries; `undefined` for anything else. */
export function readTcpPacket(
  packet: Buffer,
): { readonly sourcePort: number; readonly targetPort: number; readonly payloadBytes: number } | undefined {
  if (packet.length < 40 || packet[0]! >> 4 !== 4 || packet[9] !== TCP) return undefined;
  const ipHeader = (packet[0]! & 15) * 4;
  const tcpHeader = (packet[ipHeader + 12]! >> 4) * 4;
  return {
    sourcePort: packet.readUInt16BE(ipHeader),
    targetPort: packet.readUInt16BE(ipHeader + 2),
    payloadBytes: packet.readUInt16BE(2) - ipHeader - tcpHeader,
  };
}
