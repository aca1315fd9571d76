/** `npm run policies:docs`: writes `docs/policies.md` anew. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { guide } from "./guide.ts";

writeFileSync(join(import.meta.dirname, "../../../docs/policies.md"), guide());
