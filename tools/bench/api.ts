import { get, request } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Answer, Answers } from "./bare.ts";
import { keyOf, seededKeys, valueOf } from "./values.ts";
import { namespace } from "./workloads.ts";
