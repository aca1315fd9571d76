/**
 * For each provider of Kubernetes: ConfigMaps and Secrets are changed in place. By default they are deleted and made again, from
 * under the pods that mount them.
 */
export const changesInPlace = { enableConfigMapMutable: true, enableSecretMutable: true } as const;
