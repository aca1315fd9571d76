import { Duplex } from "node:stream";

/** Options of a request to a cloud that is cut off: its connection never comes about, and never fails. */
export const noConnection = { createConnection: () => new Duplex({ read() {}, write() {} }) };
