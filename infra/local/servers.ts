/**
 * How the three servers are run: the official images, as their own users, with a root that cannot be written, and passwords
 * in files that they read themselves.
 */
import * as pulumi from "@pulumi/pulumi";
import type { LocalConfig } from "../config/local.ts";
import type { Passwords } from "./passwords.ts";
import type { Disk, ServerArgs } from "./server.ts";

export const user = "skykv";

type Settings = Omit<ServerArgs, "namespace" | "tags" | "protect">;

export function postgres({ images, disks, storageClass }: LocalConfig, { database }: Passwords): Settings {
  return {
    image: images.postgres,
    user: 999,
    port: 5432,
    // Above the folder with the data, which has the major version in its name.
    disk: disk("/var/lib/postgresql", disks.database, storageClass),
    scratch: ["/tmp", "/var/run/postgresql"],
    files: { "/etc/skykv/password": database },
    memory: "1Gi",
    container: {
      env: [
        { name: "POSTGRES_USER", value: user },
        { name: "POSTGRES_DB", value: user },
        { name: "POSTGRES_PASSWORD_FILE", value: "/etc/skykv/password" },
      ],
      readinessProbe: { exec: { command: ["pg_isready", "--host=127.0.0.1", `--username=${user}`] }, periodSeconds: 5 },
      livenessProbe: { tcpSocket: { port: "server" }, initialDelaySeconds: 60, periodSeconds: 10, failureThreshold: 6 },
    },
  };
}

/** It keeps nothing on a disk: what it forgets is read again from the database. */
export function valkey({ images }: LocalConfig, { cache }: Passwords): Settings {
  const probe = { tcpSocket: { port: "server" }, periodSeconds: 5 };
  return {
    image: images.valkey,
    user: 999,
    port: 6379,
    disk: null,
    scratch: ["/data"],
    files: {
      "/etc/valkey/users.acl": pulumi.interpolate`user default off\nuser ${user} on >${cache} ~* &* +@all -@dangerous +info +cluster\n`,
    },
    memory: "512Mi",
    container: {
      args: [
        "valkey-server",
        ...["--aclfile", "/etc/valkey/users.acl"],
        ...["--save", ""],
        ...["--appendonly", "no"],
        ...["--maxmemory", "384mb"],
        ...["--maxmemory-policy", "allkeys-lru"],
      ],
      readinessProbe: probe,
      livenessProbe: { ...probe, failureThreshold: 6 },
    },
  };
}

export function rabbitmq({ images, disks, storageClass }: LocalConfig, { queue }: Passwords): Settings {
  const probe = { tcpSocket: { port: "server" }, periodSeconds: 5 };
  return {
    image: images.rabbitmq,
    user: 999,
    port: 5672,
    disk: disk("/var/lib/rabbitmq", disks.queue, storageClass),
    scratch: ["/tmp", "/var/log/rabbitmq"],
    files: {
      "/etc/rabbitmq/conf.d/20-user.conf": pulumi.interpolate`default_user = ${user}\ndefault_pass = ${queue}\n`,
    },
    memory: "512Mi",
    container: {
      readinessProbe: probe,
      livenessProbe: { ...probe, initialDelaySeconds: 60, failureThreshold: 6 },
    },
  };
}

function disk(path: string, size: string, storageClass: string | undefined): Disk {
  return { path, size, storageClass: storageClass === undefined ? null : storageClass };
}
