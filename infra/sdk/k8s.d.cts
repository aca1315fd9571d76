export * as k8s from "@pulumi/kubernetes";
