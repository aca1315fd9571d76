import { connect, type Socket } from "node:net";
import { adminKey } from "../support/service.ts";

export type Answer = { readonly status: number; readonly version: string | null; readonly text: string };

/** Connections without a request, by URL; those that the other end has closed are none. */
const idle = new Map<string, Socket[]>();

/** Resolves with the next answer on a connection, in one piece. */
function exchange(socket: Socket, sent: string): Promise<{ head: string; text: string }> {
  return new Promise((resolve, reject) => {
    let received = "";
    let end = -1;
    let whole = Number.POSITIVE_INFINITY;
    const finish = (settle: () => void) => {
      socket.off("data", take).off("error", fail).off("close", fail);
      settle();
    };
    const fail = (error: unknown) =>
      finish(() => reject(error instanceof Error ? error : new Error("the connection was closed")));
    const take = (part: Buffer) => {
      // Bytes as characters: the length counts bytes.
      received += part.toString("latin1");
      if (end === -1) {
        end = received.indexOf("\r\n\r\n");
        if (end === -1) return;
        whole = end + 4 + Number(headerOf(received.slice(0, end), "content-length") ?? 0);
      }
      if (received.length < whole) return;
      const text = Buffer.from(received.slice(end + 4), "latin1").toString();
      finish(() => resolve({ head: received.slice(0, end), text }));
    };
    socket.on("data", take).on("error", fail).on("close", fail);
    socket.write(sent);
  });
}

function headerOf(head: string, name: string): string | null {
  return new RegExp(`\r\n${name}: ([^\r]*)`, "i").exec(head)?.[1] ?? null;
}

/**
 * One request to the namespace `default`. What is measured shares the machine with the client, so that is the cheapest
 * there is: Node's own one takes as long for a read as the service does.
 */
export async function request(url: string, method: string, path: string, body = ""): Promise<Answer> {
  const { hostname, port, host } = new URL(url);
  const sockets = idle.get(url) ?? [];
  idle.set(url, sockets);
  let socket = sockets.pop();
  while (socket?.destroyed) socket = sockets.pop();
  socket ??= connect({ host: hostname, port: Number(port), noDelay: true }).on("error", () => {});
  const content =
    method === "GET" ? "" : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  const { head, text } = await exchange(
    socket,
    `${method} /v1/kv/default${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${adminKey}\r\n${content}\r\n${body}`,
  );
  if (headerOf(head, "transfer-encoding") !== null) throw new Error("expected an answer with its length");
  if (headerOf(head, "connection") === "close") socket.destroy();
  else sockets.push(socket);
  const status = Number(head.slice(9, 12));
  if (status >= 500) throw new Error(`${method} ${path} was answered ${status}: ${text}`);
  return { status, version: headerOf(head, "kv-version"), text };
}
