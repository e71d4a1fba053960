import { describe, expect, it, test } from 'vitest';
import type { Pass } from './connection-gate.js';
import { addressKey, ConnectionGate } from './connection-gate.js';

const limits = { unauthenticated: 3, unauthenticatedPerAddress: 2, sessions: 1 };

function enter(gate: ConnectionGate, address: string): Pass {
  const pass = gate.enter(address);
  if (typeof pass === 'string') throw new Error(pass);
  return pass;
}

describe('ConnectionGate', () => {
  it('bounds strangers in all and from one address', () => {
    const gate = new ConnectionGate(limits);
    const first = enter(gate, '10.0.0.1');
    enter(gate, '10.0.0.1');
    expect(gate.enter('10.0.0.1')).toBe('too many connections from one address');
    enter(gate, '10.0.0.2');
    expect(gate.enter('10.0.0.3')).toBe('too many connections');
    first.leave();
    first.leave();
    enter(gate, '10.0.0.1');
    expect(gate.enter('10.0.0.3')).toBe('too many connections');
  });

  it('no longer counts as a stranger who has logged in, but counts the sessions', () => {
    const gate = new ConnectionGate(limits);
    const first = enter(gate, 'a');
    const second = enter(gate, 'a');
    expect(first.promote()).toBe(true);
    enter(gate, 'a');
    expect(second.promote()).toBe(false);
    first.leave();
    expect(second.promote()).toBe(true);
    expect(second.promote()).toBe(false);
  });
});

describe('addressKey', () => {
  test.each([
    ['10.0.0.7', '10.0.0.7'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});
