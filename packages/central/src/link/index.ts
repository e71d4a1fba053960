export * from './agent-link.js';
export * from './agent-session.js';
export * from './agent-socket.js';
export * from './spread-policy.js';
export * from './vehicle-asker.js';
export * from './vehicle-dialogue.js';
