/** Of the charts, and of what they install. Tests take the definitions of the operators' objects in these versions. */
export const operatorVersions = { externalSecrets: "1.3.2", keda: "2.21.0" } as const;
