#!/usr/bin/env node
// A vehicle's box has little memory. Small young generations cost the agent a little CPU and save a quarter of its memory,
// most of which would be garbage that nobody has looked at yet. Before anything is loaded: V8 sizes its heap by then.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--max-semi-space-size=1');
setFlagsFromString('--optimize-for-size');
await import('../dist/main.js');
