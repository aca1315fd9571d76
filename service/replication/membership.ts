import { isExpelled } from "../store/member.ts";
import { UnavailableError } from "../store/port.ts";
import { exchange, RefusedError } from "./conversation.ts";
import type { Io } from "./io.ts";
import type { Answer } from "./protocol.ts";

/** How far a cloud is that becomes a member: not there yet, without all that the others have, or with it. */
export type Arrival = "expected" | "copying" | "member";

/** What is in the way of a new member, of each cloud that must change. */
export class MembershipError extends Error {
  override readonly name = "MembershipError";
  readonly problems: readonly { readonly cloud: string; readonly problem: string }[];

  constructor(problems: MembershipError["problems"]) {
    super(problems.map(({ cloud, problem }) => `${cloud}: ${problem}`).join("; "));
    this.problems = problems;
  }
}

type Said = Extract<Answer, { kind: "members" }>;

/** Takes clouds in. Where they are says each cloud's configuration, so what a command can do is to see that all know. */
export class Membership {
  readonly #io: Io;
  /** Whom this cloud's configuration names. */
  readonly #named: readonly string[];

  constructor(io: Io, named: readonly string[]) {
    this.#io = io;
    this.#named = named;
  }

  /** What this cloud has to say when others take a cloud in. */
  async answer(): Promise<Said> {
    const peers = await this.#io.store.peers();
    return {
      kind: "members",
      named: this.#named,
      known: peers.map(({ peer, incarnatedAt, expelledUpTo }) => ({ peer, incarnatedAt, expelledUpTo })),
    };
  }

  /**
   * Resolves when all members are configured for the cloud, and so wait for it before a deletion is forgotten: only then may
   * it start. Changes nothing, and rejects with a {@link MembershipError} of all problems otherwise.
   */
  async add(cloud: string): Promise<Arrival> {
    const { arrival } = await this.#survey(cloud);
    return arrival;
  }

  /**
   * Expels the incarnation of the cloud that is gone, so that a new one may take its name. Asked again it goes on, and never
   * expels the new one. Rejects, and changes nothing, while the cloud that is to be replaced answers.
   */
  async replace(cloud: string): Promise<Arrival> {
    const { store } = this.#io;
    const { arrival, newest, expelledUpTo } = await this.#survey(cloud);
    if (newest === 0) throw new MembershipError([{ cloud, problem: "never was a member; add it" }]);
    const isGone = expelledUpTo !== null && newest <= expelledUpTo;
    if (!isGone && expelledUpTo !== null) {
      if (arrival !== "expected") return arrival;
      const problem =
        "took the place of one that was expelled, and does not answer; start it, or expel it if it is lost";
      throw new MembershipError([{ cloud, problem }]);
    }
    if (arrival !== "expected")
      throw new MembershipError([{ cloud, problem: "answers; stop all its processes before it is replaced" }]);
    // No clock has a say in it: whatever comes after the last one that anybody has heard of is the new one.
    if (!isGone) await store.expel(cloud, newest);
    // Its head tells them.
    await this.#survey(cloud);
    return "expected";
  }

  async #survey(cloud: string) {
    const { origin } = this.#io.store;
    const peers = (await this.#io.store.peers()).filter((peer) => peer.peer !== cloud && !isExpelled(peer));
    const members = [origin, ...peers.map(({ peer }) => peer)];
    const problems: { cloud: string; problem: string }[] = [];
    const said = new Map<string, Said>();
    let arrival: Arrival = "expected";
    const asking = [...members, cloud].filter((one) => one !== origin && this.#named.includes(one));
    await Promise.all(
      asking.map(async (one) => {
        try {
          const { head, body } = await this.#ask(one);
          said.set(one, body);
          if (one === cloud) arrival = head.stage === "whole" ? "member" : "copying";
        } catch (error) {
          if (error instanceof UnavailableError) throw error;
          if (one !== cloud) problems.push({ cloud: one, problem: `cannot be asked (${(error as Error).message})` });
        }
      }),
    );
    said.set(origin, await this.answer());
    for (const [one, { named }] of said)
      for (const other of [...members, cloud])
        if (other !== one && !named.includes(other))
          problems.push({ cloud: one, problem: `its PEERS lacks ${other}=https://HOST:PORT` });
    if (problems.length > 0) throw new MembershipError(problems);
    const known = [...said.values()].flatMap(({ known }) => known.filter(({ peer }) => peer === cloud));
    const expulsions = known.flatMap(({ expelledUpTo }) => expelledUpTo ?? []);
    return {
      arrival: arrival as Arrival,
      newest: Math.max(0, ...known.map(({ incarnatedAt }) => incarnatedAt)),
      expelledUpTo: expulsions.length === 0 ? null : Math.max(...expulsions),
    };
  }

  async #ask(peer: string) {
    const asking = () => exchange(this.#io, peer, { kind: "members" }, "members");
    try {
      return await asking();
    } catch (error) {
      // It was not heard of before; by its refusal it is known now.
      if (error instanceof RefusedError && error.reason === "incarnation") return asking();
      throw error;
    }
  }
}
