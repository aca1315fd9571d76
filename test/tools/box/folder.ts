import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary folder that other users may pass through: as root, PostgreSQL runs as another user. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "box-"));
  await chmod(folder, 0o711);
  return folder;
}

export async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
