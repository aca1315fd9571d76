import { open, rename, stat } from "node:fs/promises";

/** A file that a child process writes its output to. */
export type Log = {
  path: string;
  /** For the child's stdout and stderr. */
  fd: number;
  /** All that was written since the log was opened here. */
  text(): Promise<string>;
  close(): Promise<void>;
};

const LONGEST_BYTES = 10 * 2 ** 20;

/** Opens a log to append to; one that earlier runs made long is set aside first, in place of the last such. */
export async function openLog(path: string): Promise<Log> {
  const length = await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
  if (length > LONGEST_BYTES) await rename(path, `${path}.old`);
  const file = await open(path, "a+", 0o600);
  const from = (await file.stat()).size;
  return {
    path,
    fd: file.fd,
    text: async () => {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      return buffer.toString("utf8", 0, bytesRead);
    },
    close: () => file.close(),
  };
}
