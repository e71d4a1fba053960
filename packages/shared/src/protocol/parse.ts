import type { z } from 'zod';
import { AppError } from '../errors/index.js';
import { quote } from '../ids/index.js';
import type { AgentMessage } from './agent-messages.js';
import { agentMessage } from './agent-messages.js';
import type { CentralMessage } from './central-messages.js';
import { centralMessage } from './central-messages.js';
import { MAX_MESSAGE_BYTES } from './limits.js';

/** Reads a control message from the vehicle; throws `LINK_MESSAGE_INVALID` or, for an unknown type, `LINK_MESSAGE_UNKNOWN`. */
export function parseAgentMessage(text: string): AgentMessage {
  return parse(agentMessage, text);
}

/** Reads a control message from central; throws as {@link parseAgentMessage} does. */
export function parseCentralMessage(text: string): CentralMessage {
  return parse(centralMessage, text);
}

function parse<T extends { type: string }>(schema: z.ZodType<T>, text: string): T {
  if (text.length > MAX_MESSAGE_BYTES)
    throw new AppError('LINK_MESSAGE_INVALID', `message of ${text.length} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    throw new AppError('LINK_MESSAGE_INVALID', `not JSON: ${quote(text)}`, { cause: thrown });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const type = typeof json === 'object' && json !== null && 'type' in json ? json.type : undefined;
  const unknown = issue?.path.length === 1 && issue.path[0] === 'type';
  const where = issue?.path.map(String).join('.') ?? '';
  throw new AppError(
    unknown ? 'LINK_MESSAGE_UNKNOWN' : 'LINK_MESSAGE_INVALID',
    `message ${quote(type)}: ${where === '' ? '' : `${where}: `}${issue?.message ?? 'invalid'}`,
  );
}
