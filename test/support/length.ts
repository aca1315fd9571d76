/** Whether there is time to try more: `npm run test:all` does, `npm test` takes under three minutes. */
export const isLong = process.env.SKYKV_LONG === "1";
