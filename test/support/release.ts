/**
 * Imported before the service, makes it another release as its peers see it: `RELEASE=older` knows nothing of what the
 * protocol got last, `RELEASE=newer` says more than this one knows.
 */
import { change, type Mutation } from "../simulation/mutations.ts";

const protocol = "service/replication/protocol.ts";
const sender = "service/replication/sender.ts";

const releases: Readonly<Record<string, readonly Mutation[]>> = {
  older: [
    {
      file: protocol,
      find: '      return { kind: "catalog", after: positionFromWire(body.after), ...catalogPage(body) };',
      replace: '      throw new ProtocolError("expected a kind that is known");',
    },
    {
      file: "service/replication/receiver.ts",
      find: 'return { kind: "heard", catalog };',
      replace: 'return { kind: "heard" } as never;',
    },
    {
      file: sender,
      find: '{ kind: "heartbeat", claims, catalog: mine }',
      replace: '{ kind: "heartbeat", claims } as never',
    },
    { file: sender, find: "await this.#catalog.isDue(mine, catalog)", replace: "false" },
    { file: sender, find: "void this.#attempt(() => this.#catalog.run());", replace: "return;" },
  ],
  newer: [
    { file: protocol, find: "export const protocol = 1;", replace: "export const protocol = 2;" },
    { file: protocol, find: "    needs: 1,", replace: '      needs: 1, "of-newer": [{}],' },
    { file: "service/replication/wire.ts", find: "    ...extra,\n", replace: '    colour: "blue",\n    ...extra,\n' },
  ],
};

change(releases[process.env.RELEASE!]!);
