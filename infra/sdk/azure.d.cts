export * as azure from "@pulumi/azure-native";
