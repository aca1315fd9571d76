import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections (from 32768 on Linux), which may take one at any moment. */
const ports = { from: 15_000, below: 32_768 };

const given = new Set<number>();

/** A port of the loopback interface that is free, and stays so: no call in this process returns it again. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(ports.from, ports.below);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    if (["EADDRINUSE", "EACCES"].includes((error as NodeJS.ErrnoException).code!)) return false;
    throw error;
  }
  server.close();
  await once(server, "close");
  return true;
}
