export * as aws from "@pulumi/aws";
