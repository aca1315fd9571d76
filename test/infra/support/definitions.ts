/** Definitions of the objects that operators bring along, from the sources of the versions that the program installs. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { operatorVersions } from "../../../infra/workload/operator-versions.ts";

/** Of KEDA and External Secrets, those that the program makes objects of. */
export function definitionsOfOperators(): readonly string[] {
  return [
    ...definitions("github.com/kedacore/keda/v2", operatorVersions.keda, "config/crd/bases", [
      "keda.sh_scaledobjects",
      "keda.sh_triggerauthentications",
    ]),
    ...definitions(
      "github.com/external-secrets/external-secrets",
      operatorVersions.externalSecrets,
      "config/crds/bases",
      ["external-secrets.io_clustersecretstores", "external-secrets.io_externalsecrets"],
    ),
  ];
}

/** Files of an operator's Go module. */
export function definitions(
  module: string,
  version: string,
  folder: string,
  names: readonly string[],
): readonly string[] {
  const args = ["mod", "download", "-json", `${module}@v${version}`];
  // `go` heeds a go.mod of the folder that it is called in.
  const answer = execFileSync("go", args, { cwd: "/", encoding: "utf8", maxBuffer: 2 ** 20 });
  const { Dir } = JSON.parse(answer) as { Dir: string };
  return names.map((name) => join(Dir, folder, `${name}.yaml`));
}
