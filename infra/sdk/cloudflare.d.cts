export * as cloudflare from "@pulumi/cloudflare";
