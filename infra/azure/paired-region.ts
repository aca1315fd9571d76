/**
 * Where Azure keeps the second copy of what is geo-redundant, as its list of regions has it. Those that stand here alone
 * are pairs in one direction only; newer regions have none.
 */
export function pairedRegion(region: string): string | null {
  return pairs[region] ?? null;
}

const pairs: Readonly<Record<string, string>> = {
  ...both("eastus", "westus"),
  ...both("eastus2", "centralus"),
  ...both("northcentralus", "southcentralus"),
  ...both("westus2", "westcentralus"),
  westus3: "eastus",
  ...both("canadacentral", "canadaeast"),
  brazilsouth: "southcentralus",
  ...both("northeurope", "westeurope"),
  ...both("uksouth", "ukwest"),
  ...both("francecentral", "francesouth"),
  ...both("germanywestcentral", "germanynorth"),
  ...both("switzerlandnorth", "switzerlandwest"),
  ...both("swedencentral", "swedensouth"),
  ...both("norwayeast", "norwaywest"),
  ...both("uaenorth", "uaecentral"),
  ...both("southafricanorth", "southafricawest"),
  ...both("centralindia", "southindia"),
  ...both("southeastasia", "eastasia"),
  ...both("japaneast", "japanwest"),
  ...both("koreacentral", "koreasouth"),
  ...both("australiaeast", "australiasoutheast"),
};

function both(a: string, b: string): Record<string, string> {
  return { [a]: b, [b]: a };
}
