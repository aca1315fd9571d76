/** What the box's control says, as far as the console reads it. */

interface Place {
  latitude: number;
  longitude: number;
}

export interface BoxCloud {
  cloud: string;
  location: Place;
  state: "active" | "drained";
  /** The edge gets no connection to it. */
  isCutOff: boolean;
  health: { status: "unknown" | "up" | "down" };
  traffic: {
    /** Answers since the start, by the region of who asked. */
    answers: Readonly<Partial<Record<string, number>>>;
  };
  condition: "running" | "frozen" | "starting" | "down";
  peerLinks: "open" | "slow" | "cut";
}

export interface Box {
  edge: { region: string };
  /** Where clients may be. */
  regions: Readonly<Record<string, Place>>;
  clouds: readonly BoxCloud[];
}

export type Action = "kill" | "freeze" | "cut-peers" | "slow-peers" | "cut-edge" | "heal" | "drain" | "undrain";
