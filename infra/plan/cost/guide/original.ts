/** The table that the project was first planned with, USD a month on AWS alone, at 2,000 reads and 500 writes a second. */
import type { Component } from "../line.ts";
import { amount } from "../price.ts";
import { type PriceName, prices } from "../prices/prices.ts";
import { hours } from "../traffic.ts";

const seconds = hours * 3600;
const [reads, writes] = [2_000 * seconds, 500 * seconds];
/** GB that it planned to answer with: 951 bytes a read, headers and all. */
const answered = 5_000;
/** Bytes of a log line, one for each request. */
const logLine = 300;

type Row = {
  readonly name: string;
  readonly planned: number;
  /** The same things in the same number, at list prices and under that load. */
  readonly listed: number;
  /** What this program has in its place. */
  readonly components: readonly Component[];
  readonly why: string;
};

const usd = (price: PriceName, quantity: number) => amount(prices[price], quantity);

export const original: readonly Row[] = [
  {
    name: "EKS",
    planned: 300,
    listed: usd("aws EKS cluster", hours) + usd("aws m5.large", 3 * hours),
    components: ["compute"],
    why: "Right for the control plane and three small nodes. Disks of nodes and the fee of Auto Mode are missing.",
  },
  {
    name: "ElastiCache, 3 × m5.large",
    planned: 400,
    listed: usd("aws Redis cache.m5.large", 3 * hours),
    components: ["cache"],
    why: "Planned too high. Valkey costs a fifth less than Redis, and two nodes are enough for a cache that may be lost.",
  },
  {
    name: "Aurora, r5.large, 100 GB",
    planned: 350,
    listed: usd("aws Aurora db.r5.large", hours) + usd("aws Aurora storage", 100) + usd("aws Aurora I/O", writes / 1e6),
    components: ["database"],
    why: "I/O is missing, which 500 writes a second make dearer than the machine. And one instance is no high availability: here are two.",
  },
  {
    name: "Amazon MQ, m5.large",
    planned: 200,
    listed: usd("aws Amazon MQ mq.m5.large", hours),
    components: ["queue"],
    why: "One broker, which is not highly available: a cluster of three costs three times as much. A hint may be lost, so that PostgreSQL can carry it.",
  },
  {
    name: "ALB, 5 TB",
    planned: 250,
    listed: usd("aws ALB", hours) + usd("aws ALB capacity unit", answered) + usd("aws egress", answered),
    components: ["traffic"],
    why: "Half of what the answers alone cost. 5 TB are 951 bytes a read with headers and all: values of 1 KiB take 7.5 TB. Zones, NAT and copies to other clouds are missing.",
  },
  {
    name: "CloudWatch",
    planned: 100,
    listed: usd("aws CloudWatch logs", ((reads + writes) * logLine) / 1e9),
    components: ["logs and alarms"],
    why: "A line of 300 bytes for each request is 2 TB a month. Right only because requests are counted here and not logged.",
  },
  {
    name: "S3, 500 GB",
    planned: 50,
    listed: usd("aws S3", 500),
    components: ["storage"],
    why: `Planned too high, as long as objects are large values and backups: one object for each write would cost ${Math.round(usd("aws S3 writes", writes / 1e6)).toLocaleString("en-US")} in requests.`,
  },
  {
    name: "not in the table",
    planned: 0,
    listed: 0,
    components: ["network", "keys and secrets"],
    why: "NAT gateways, addresses, private endpoints, a key for each kind of data, secrets.",
  },
];
