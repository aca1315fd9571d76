import type { Cloud } from "../names.ts";

/** Degrees. */
export type Location = { readonly latitude: number; readonly longitude: number };

/** Kilometres along the surface. */
export function distance(a: Location, b: Location): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const half = (angle: number) => Math.sin(radians(angle) / 2) ** 2;
  const h =
    half(b.latitude - a.latitude) +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * half(b.longitude - a.longitude);
  return 2 * earthRadius * Math.asin(Math.min(1, Math.sqrt(h)));
}

const earthRadius = 6371;

const places = {
  virginia: { latitude: 38.9, longitude: -77.4 },
  ohio: { latitude: 40, longitude: -83 },
  oregon: { latitude: 45.6, longitude: -121.2 },
  california: { latitude: 37.4, longitude: -121.9 },
  iowa: { latitude: 41.3, longitude: -95.9 },
  carolina: { latitude: 33.2, longitude: -80 },
  texas: { latitude: 29.4, longitude: -98.5 },
  arizona: { latitude: 33.4, longitude: -112 },
  montreal: { latitude: 45.5, longitude: -73.6 },
  toronto: { latitude: 43.7, longitude: -79.4 },
  saoPaulo: { latitude: -23.5, longitude: -46.6 },
  ireland: { latitude: 53.3, longitude: -6.3 },
  london: { latitude: 51.5, longitude: -0.1 },
  paris: { latitude: 48.9, longitude: 2.4 },
  belgium: { latitude: 50.4, longitude: 3.8 },
  netherlands: { latitude: 52.4, longitude: 4.9 },
  frankfurt: { latitude: 50.1, longitude: 8.7 },
  zurich: { latitude: 47.4, longitude: 8.5 },
  milan: { latitude: 45.5, longitude: 9.2 },
  madrid: { latitude: 40.4, longitude: -3.7 },
  warsaw: { latitude: 52.2, longitude: 21 },
  stockholm: { latitude: 59.3, longitude: 18.1 },
  gavle: { latitude: 60.7, longitude: 17.1 },
  oslo: { latitude: 59.9, longitude: 10.8 },
  finland: { latitude: 60.6, longitude: 27.2 },
  israel: { latitude: 32.1, longitude: 34.8 },
  dubai: { latitude: 25.2, longitude: 55.3 },
  qatar: { latitude: 25.3, longitude: 51.5 },
  johannesburg: { latitude: -26.2, longitude: 28 },
  capeTown: { latitude: -33.9, longitude: 18.4 },
  mumbai: { latitude: 19.1, longitude: 72.9 },
  pune: { latitude: 18.5, longitude: 73.9 },
  delhi: { latitude: 28.6, longitude: 77.2 },
  singapore: { latitude: 1.35, longitude: 103.8 },
  jakarta: { latitude: -6.2, longitude: 106.8 },
  hongKong: { latitude: 22.3, longitude: 114.2 },
  taiwan: { latitude: 24.1, longitude: 120.5 },
  tokyo: { latitude: 35.7, longitude: 139.7 },
  osaka: { latitude: 34.7, longitude: 135.5 },
  seoul: { latitude: 37.6, longitude: 127 },
  sydney: { latitude: -33.9, longitude: 151.2 },
  melbourne: { latitude: -37.8, longitude: 145 },
} as const satisfies Record<string, Location>;

/** Undefined where the region is not known and nobody says where it is; the configuration is refused then. */
export function findLocation(cloud: Cloud, region: string, given: Location | undefined): Location | undefined {
  return given ?? locations[cloud][region];
}

/** @throws RangeError where the region is not known, and nobody says where it is */
export function locationOf(cloud: Cloud, region: string, given: Location | undefined): Location {
  const location = findLocation(cloud, region, given);
  if (location === undefined)
    throw new RangeError(`expected a known region of ${cloud} or its location, found ${region}`);
  return location;
}

/** Where the clouds' regions are, as their providers publish it. Others are given as `location` in the configuration. */
export const locations: Readonly<Record<Cloud, Readonly<Record<string, Location>>>> = {
  aws: {
    "us-east-1": places.virginia,
    "us-east-2": places.ohio,
    "us-west-1": places.california,
    "us-west-2": places.oregon,
    "ca-central-1": places.montreal,
    "sa-east-1": places.saoPaulo,
    "eu-west-1": places.ireland,
    "eu-west-2": places.london,
    "eu-west-3": places.paris,
    "eu-central-1": places.frankfurt,
    "eu-central-2": places.zurich,
    "eu-south-1": places.milan,
    "eu-north-1": places.stockholm,
    "il-central-1": places.israel,
    "me-central-1": places.dubai,
    "af-south-1": places.capeTown,
    "ap-south-1": places.mumbai,
    "ap-southeast-1": places.singapore,
    "ap-southeast-2": places.sydney,
    "ap-southeast-3": places.jakarta,
    "ap-southeast-4": places.melbourne,
    "ap-east-1": places.hongKong,
    "ap-northeast-1": places.tokyo,
    "ap-northeast-2": places.seoul,
    "ap-northeast-3": places.osaka,
  },
  gcp: {
    "us-east1": places.carolina,
    "us-east4": places.virginia,
    "us-east5": places.ohio,
    "us-central1": places.iowa,
    "us-west1": places.oregon,
    "northamerica-northeast1": places.montreal,
    "northamerica-northeast2": places.toronto,
    "southamerica-east1": places.saoPaulo,
    "europe-west1": places.belgium,
    "europe-west2": places.london,
    "europe-west3": places.frankfurt,
    "europe-west4": places.netherlands,
    "europe-west6": places.zurich,
    "europe-west8": places.milan,
    "europe-west9": places.paris,
    "europe-southwest1": places.madrid,
    "europe-central2": places.warsaw,
    "europe-north1": places.finland,
    "me-west1": places.israel,
    "me-central1": places.qatar,
    "africa-south1": places.johannesburg,
    "asia-south1": places.mumbai,
    "asia-south2": places.delhi,
    "asia-southeast1": places.singapore,
    "asia-southeast2": places.jakarta,
    "asia-east1": places.taiwan,
    "asia-east2": places.hongKong,
    "asia-northeast1": places.tokyo,
    "asia-northeast2": places.osaka,
    "asia-northeast3": places.seoul,
    "australia-southeast1": places.sydney,
    "australia-southeast2": places.melbourne,
  },
  azure: {
    eastus: places.virginia,
    eastus2: places.virginia,
    centralus: places.iowa,
    southcentralus: places.texas,
    westus2: places.oregon,
    westus3: places.arizona,
    canadacentral: places.toronto,
    brazilsouth: places.saoPaulo,
    northeurope: places.ireland,
    uksouth: places.london,
    francecentral: places.paris,
    westeurope: places.netherlands,
    germanywestcentral: places.frankfurt,
    switzerlandnorth: places.zurich,
    italynorth: places.milan,
    spaincentral: places.madrid,
    polandcentral: places.warsaw,
    swedencentral: places.gavle,
    norwayeast: places.oslo,
    israelcentral: places.israel,
    uaenorth: places.dubai,
    qatarcentral: places.qatar,
    southafricanorth: places.johannesburg,
    centralindia: places.pune,
    southeastasia: places.singapore,
    eastasia: places.hongKong,
    japaneast: places.tokyo,
    japanwest: places.osaka,
    koreacentral: places.seoul,
    australiaeast: places.sydney,
    australiasoutheast: places.melbourne,
  },
};
