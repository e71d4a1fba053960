// On the vehicle: sends a message the size of a control message to an echo every so often, and on the end of its standard
// input says how long each took there and back.
import { connect } from 'node:net';

const [, , host, port, everyMs] = process.argv;
const MESSAGE = `${'.'.repeat(99)}\n`;

const sentMs: number[] = [];
const delaysMs: number[] = [];
const socket = connect({ host: host!, port: Number(port), noDelay: true });
socket.on('data', (data) => {
  for (const byte of data) if (byte === 10) delaysMs.push(performance.now() - sentMs.shift()!);
});
const timer = setInterval(() => {
  sentMs.push(performance.now());
  socket.write(MESSAGE);
}, Number(everyMs));
await new Promise<void>((resolve) => process.stdin.on('end', resolve).resume());
clearInterval(timer);
socket.destroy();
process.stdout.write(JSON.stringify(delaysMs));
