export * as gcp from "@pulumi/gcp";
