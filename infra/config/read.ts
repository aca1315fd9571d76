import * as pulumi from "@pulumi/pulumi";
import { type Config, ConfigError, parseConfig } from "./config.ts";

const prefix = "skykv:";

/**
 * The configuration of the stack that is being deployed. Keys of other packages are refused: nothing here reads them.
 * Throws what Pulumi prints without a stack trace.
 */
export function readConfig(): Config {
  try {
    return parseAll();
  } catch (error) {
    throw error instanceof ConfigError ? new pulumi.RunError(error.message) : error;
  }
}

function parseAll(): Config {
  const given: Record<string, unknown> = {};
  const strangers: string[] = [];
  for (const [name, text] of Object.entries(pulumi.runtime.allConfig())) {
    if (name.startsWith(prefix)) given[name.slice(prefix.length)] = parseValue(text);
    // Pulumi's own settings, such as pulumi:tags, are its business.
    else if (!name.startsWith("pulumi:")) strangers.push(`${name}: is not read by this program; remove it`);
  }
  if (strangers.length === 0) return parseConfig(given);
  try {
    parseConfig(given);
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError([...error.problems, ...strangers]);
    throw error;
  }
  throw new ConfigError(strangers);
}

/** Pulumi hands over strings as they are, and all else as JSON. */
function parseValue(text: string): unknown {
  if (!/^[[{]|^(true|false)$/.test(text)) return text;
  return JSON.parse(text);
}
