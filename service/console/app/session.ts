/** The API key lives in this tab's session storage: gone with the tab, never in the address bar or the history. */
const slot = "skykv-key";

/** Takes a key out of `#key=…` and cleans the address. True when there was one. */
export function takeKeyFromAddress(): boolean {
  const match = /^#key=([^&]+)/.exec(location.hash);
  if (!match) return false;
  history.replaceState(null, "", `${location.pathname}${location.search}#/keys`);
  try {
    signIn(decodeURIComponent(match[1]!));
  } catch {
    signIn(match[1]!); // Not percent-encoded after all.
  }
  return true;
}

export function currentKey(): string | null {
  return sessionStorage.getItem(slot);
}

export function signIn(key: string): void {
  sessionStorage.setItem(slot, key);
}

/** Forgets the key and tells the page, which then shows the sign-in form with `reason`. */
export function signOut(reason = ""): void {
  sessionStorage.removeItem(slot);
  window.dispatchEvent(new CustomEvent("signed-out", { detail: reason }));
}
