import type { Socket } from 'node:net';
import { AppError, toAppError } from '@gapless/shared/errors';
import type { SFTPWrapper } from 'ssh2';
import type { PressureGauge } from './pressure-gauge.js';
import type { Refusals } from './refusals.js';
import { messageFor, Status, statusOf } from './status.js';
import type { Attributes, UploadSession } from './upload-session.js';

export interface SftpChannelOptions {
  readonly socket: Socket;
  readonly session: UploadSession;
  readonly gauge: PressureGauge;
  readonly refusals: Refusals;
  /** Ends the whole connection. */
  readonly disconnect: () => void;
  /** The client is done with the channel; may be called more than once. */
  readonly onEnd: () => void;
}

/** A client that lets this many replies pile up does not read them; it is filling our memory. */
const MAX_UNREAD_REPLIES = 16 * 1024;
/** The same for replies that the network does not take. */
const MAX_UNSENT_BYTES = 1024 * 1024;

const DIRECTORY_MODE = 0o040500;
const FILE_MODE = 0o100600;
const FSYNC = 'fsync@openssh.com';

/** Names of the version 3 requests that are answered with one refusal, whatever they ask for. */
const REFUSED = ['OPENDIR', 'READDIR', 'REMOVE', 'RMDIR', 'MKDIR', 'RENAME', 'SYMLINK', 'READLINK'] as const;

/** Translates one SFTP channel of ssh2: requests into calls on the session, and what comes of them into replies. */
export function serveSftp(sftp: SFTPWrapper, options: SftpChannelOptions): void {
  const { session, gauge } = options;
  const reply = new Replies(sftp, options);

  sftp.on('REALPATH', (id, path) =>
    reply.answer(id, ['realpath', path], async () => {
      const filename = session.realPath(path);
      return () => sftp.name(id, [{ filename, longname: filename, attrs: wireAttributes() }]);
    }),
  );
  for (const verb of ['STAT', 'LSTAT'] as const)
    sftp.on(verb, (id: number, path: string) =>
      reply.attributes(id, ['stat', path], () => session.stat(path)),
    );
  sftp.on('FSTAT', (id, handle) =>
    reply.attributes(id, ['fstat', ''], () => session.statHandle(handleId(handle))),
  );
  sftp.on('OPEN', (id, path, flags) =>
    reply.answer(id, ['open', path], async () => {
      const handle = Buffer.alloc(4);
      handle.writeUInt32BE(await session.open(path, flags));
      return () => sftp.handle(id, handle);
    }),
  );
  sftp.on('WRITE', (id, handle, offset, bytes) => {
    gauge.take(bytes.length);
    session.write(handleId(handle), { offset, bytes }, (error) => {
      gauge.give(bytes.length);
      if (error) reply.refuse(id, ['write', ''], error);
      else reply.ok(id);
    });
  });
  sftp.on('SETSTAT', (id, path, { size }: { size?: number }) =>
    reply.status(id, ['setstat', path], () => session.setAttributes(path, size)),
  );
  sftp.on('FSETSTAT', (id, handle, { size }: { size?: number }) =>
    reply.status(id, ['fsetstat', ''], () => session.setHandleAttributes(handleId(handle), size)),
  );
  sftp.on('CLOSE', (id, handle) => reply.status(id, ['close', ''], () => session.close(handleId(handle))));
  sftp.on('EXTENDED', (id, name, data: Buffer | undefined) =>
    reply.status(id, ['extended', name], async () => {
      if (name !== FSYNC) throw new AppError('SFTP_UNSUPPORTED', 'this extension is not offered');
      await session.sync(handleId(data?.subarray(4)));
    }),
  );
  sftp.on('READ', (id) =>
    reply.refuse(id, ['read', ''], new AppError('SFTP_REFUSED', 'files can only be written here')),
  );
  for (const verb of REFUSED)
    sftp.on(verb, (id: number, path: unknown) =>
      reply.refuse(id, [verb.toLowerCase(), String(path)], new AppError('SFTP_REFUSED', 'not allowed here')),
    );

  // OpenSSH's sftp and rclone wait for this after their last request; without it they hang for ever.
  sftp.on('end', () => sftp.end());
  sftp.on('end', options.onEnd);
  sftp.on('close', options.onEnd);
  // A malformed packet: nothing that follows can be understood.
  sftp.on('error', () => options.disconnect());
}

/** What was asked, for the log: the verb and the path it named. */
type Asked = readonly [verb: string, subject: string];

class Replies {
  readonly #sftp: SFTPWrapper;
  readonly #options: SftpChannelOptions;
  #corked = false;

  constructor(sftp: SFTPWrapper, options: SftpChannelOptions) {
    this.#sftp = sftp;
    this.#options = options;
  }

  /** Runs `work`, then sends the reply it resolves to, or the refusal it throws. */
  answer(id: number, asked: Asked, work: () => Promise<() => void>): void {
    this.#options.gauge.take(0);
    work()
      .then(
        (send) => this.#send(send),
        (thrown: unknown) => this.refuse(id, asked, toAppError(thrown)),
      )
      .finally(() => this.#options.gauge.give(0))
      .catch(() => this.#options.disconnect());
  }

  attributes(id: number, asked: Asked, work: () => Promise<Attributes>): void {
    this.answer(id, asked, async () => {
      const attributes = wireAttributes(await work());
      return () => this.#sftp.attrs(id, attributes);
    });
  }

  status(id: number, asked: Asked, work: () => Promise<void>): void {
    this.answer(id, asked, async () => {
      await work();
      return () => this.#sftp.status(id, Status.ok);
    });
  }

  ok(id: number): void {
    this.#send(() => this.#sftp.status(id, Status.ok));
  }

  refuse(id: number, [verb, subject]: Asked, error: AppError): void {
    const { refusals, session } = this.#options;
    refusals.request(session.user, verb, subject, error);
    this.#send(() => this.#sftp.status(id, statusOf(error), messageFor(error)));
  }

  #send(send: () => void): void {
    const { socket, disconnect } = this.#options;
    const hoards = unreadReplies(this.#sftp) > MAX_UNREAD_REPLIES || socket.writableLength > MAX_UNSENT_BYTES;
    if (socket.destroyed || hoards) {
      disconnect();
      return;
    }
    this.#cork(socket);
    send();
  }

  /** A merged write is answered by many replies at once: they leave in one system call, not in one each. */
  #cork(socket: Socket): void {
    if (this.#corked) return;
    this.#corked = true;
    socket.cork();
    queueMicrotask(() => {
      this.#corked = false;
      socket.uncork();
    });
  }
}

/** Replies that wait for the client to open its SSH window. ssh2 keeps them in a list without a bound. */
function unreadReplies(sftp: SFTPWrapper): number {
  const waiting: unknown = (sftp as unknown as { readonly _buffer?: unknown })._buffer;
  return Array.isArray(waiting) ? waiting.length : 0;
}

function handleId(handle: Buffer | undefined): number {
  return handle?.length === 4 ? handle.readUInt32BE() : -1;
}

function wireAttributes(attributes: Attributes = { kind: 'file', sizeBytes: 0 }): {
  mode: number;
  uid: number;
  gid: number;
  size: number;
  atime: number;
  mtime: number;
} {
  const common = { uid: 0, gid: 0, atime: 0, mtime: 0 };
  return attributes.kind === 'directory'
    ? { mode: DIRECTORY_MODE, size: 0, ...common }
    : { mode: FILE_MODE, size: attributes.sizeBytes, ...common };
}
