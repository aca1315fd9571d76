/** Of everything random in this run. Tests print it; `SKYKV_SEED=<seed>` repeats its choices (not its timing). */
export const seed = Number(process.env.SKYKV_SEED ?? Math.floor(Math.random() * 2 ** 31));
