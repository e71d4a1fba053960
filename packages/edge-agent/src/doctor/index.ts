export * from './doctor.js';
export * from './finding.js';
export { askProgram } from './program-process.js';
