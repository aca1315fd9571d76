declare module "cluster-key-slot" {
  /** The slot, 0 to 16383, of a key in cluster mode. */
  export default function calculateSlot(key: string | Buffer): number;
}
