import type { Config } from "./config.ts";
import { grantTo, makeUsers, migrate } from "./store/postgres/migrate.ts";

/** The role `migration`: the schema is this release's and the users of the other roles may use it when it resolves. */
export async function runMigration(config: Config): Promise<void> {
  const users = config.DATABASE_USERS.split(",")
    .map((user) => user.trim())
    .filter(Boolean);
  if (config.DATABASE_ADMIN_USER) await makeUsers(adminUrl(config), users);
  await migrate(config.DATABASE_URL);
  await grantTo(config.DATABASE_URL, users);
}

function adminUrl(config: Config): string {
  const url = new URL(config.DATABASE_URL);
  url.username = encodeURIComponent(config.DATABASE_ADMIN_USER!);
  url.password = encodeURIComponent(config.DATABASE_ADMIN_PASSWORD_FILE!.toString().trim());
  return url.href;
}
