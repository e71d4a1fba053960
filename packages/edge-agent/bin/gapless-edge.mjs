#!/usr/bin/env node
// A vehicle's box has little memory and a slow processor. Small young generations save a quarter of the agent's memory, most
// of which would be garbage that nobody has looked at yet. The video that passes through counts as memory, too: without
// room to grow by half as much again, V8 collected the whole heap every two seconds, which was half of all the agent did.
// Before anything is loaded: V8 sizes its heap by then. What they save is in docs/benchmarks.md.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--max-semi-space-size=1');
setFlagsFromString('--optimize-for-size');
setFlagsFromString('--heap-growing-percent=60');
await import('../dist/main.js');
